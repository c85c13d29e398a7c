/** Compares lists of extended attributes (common/format.ts, section 1). */

/** Lists with more attributes are compared as bytes only: what follows is quadratic. */
const MAX_ATTRIBUTES: u32 = 256;

/** Bytes of the attribute at `at`, or 0 where it does not lie within `end`. */
function attributeBytes(at: usize, end: usize): usize {
  if (end - at < 8) return 0;
  const bytes = 8 + <u64>load<u16>(at) + load<u32>(at, 4);
  return bytes <= <u64>(end - at) ? <usize>bytes : 0;
}

/** Whether the lists say the same, in whatever order. */
export function sameXattrs(a: usize, aBytes: u32, b: usize, bBytes: u32): bool {
  if (aBytes !== bBytes) return false;
  if (memory.compare(a, b, aBytes) === 0) return true;
  const aEnd = a + aBytes;
  const bEnd = b + bBytes;
  let count: u32 = 0;
  while (a < aEnd) {
    const bytes = attributeBytes(a, aEnd);
    if (bytes === 0 || ++count > MAX_ATTRIBUTES || !holds(b, bEnd, a, bytes)) return false;
    a += bytes;
  }
  return true;
}

function holds(list: usize, end: usize, attribute: usize, bytes: usize): bool {
  while (list < end) {
    const here = attributeBytes(list, end);
    if (here === 0) return false;
    if (here === bytes && memory.compare(list, attribute, bytes) === 0) return true;
    list += here;
  }
  return false;
}
