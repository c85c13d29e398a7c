/** Hands out memory from the heap's start upwards; nothing is given back: an instance makes one image. */
let next: usize = 0;

/** `bytes` zeroed bytes, 16-byte aligned; 0 if there is no more memory. */
export function reserve(bytes: u64): usize {
  if (next === 0) next = (__heap_base + 15) & ~15;
  const end = (<u64>next + bytes + 15) & ~(<u64>15);
  if (end > 0xffff0000) return 0;
  const missing = <i64>end - ((<i64>memory.size()) << 16);
  if (missing > 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) return 0;
  const start = next;
  next = <usize>end;
  return start;
}
