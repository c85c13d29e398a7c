/** Names of directory entries: their order, their hash, and sorting. */

/** The first eight bytes of a name as one number that orders as they do; shorter names are padded with zeros. */
export function keyOf(name: usize, bytes: u32): u64 {
  const word = bswap<u64>(load<u64>(name));
  return bytes >= 8 ? word : word & ~((<u64>-1) >> ((<u64>bytes) << 3));
}

/** Bytewise order of two names that have the same key. */
function compareRest(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  const both = min<u32>(aBytes, bBytes);
  for (let i: u32 = 8; i < both; i += 8) {
    const left = keyOf(a + i, both - i);
    const right = keyOf(b + i, both - i);
    if (left !== right) return left < right ? -1 : 1;
  }
  return <i32>aBytes - <i32>bBytes;
}

/** Bytewise order of two names: negative, 0, positive. */
export function compareNames(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  const left = keyOf(a, aBytes);
  const right = keyOf(b, bBytes);
  if (left !== right) return left < right ? -1 : 1;
  return compareRest(a, aBytes, b, bBytes);
}

/** A name that is to be sorted, 24 bytes: u64 key, u32 name, u32 nameBytes, u32 node, u32 layer. */
export const REF_BYTES: usize = 24;
export const REF_NAME: usize = 8;
export const REF_NAME_BYTES: usize = 12;
export const REF_NODE: usize = 16;
export const REF_LAYER: usize = 20;

export function writeRef(ref: usize, name: usize, nameBytes: u32, node: usize, layer: u32): void {
  store<u64>(ref, keyOf(name, nameBytes));
  store<u32>(ref, <u32>name, REF_NAME);
  store<u32>(ref, nameBytes, REF_NAME_BYTES);
  store<u32>(ref, <u32>node, REF_NODE);
  store<u32>(ref, layer, REF_LAYER);
}

export function compareRefs(a: usize, b: usize): i32 {
  const left = load<u64>(a);
  const right = load<u64>(b);
  if (left !== right) return left < right ? -1 : 1;
  return compareRest(
    load<u32>(a, REF_NAME),
    load<u32>(a, REF_NAME_BYTES),
    load<u32>(b, REF_NAME),
    load<u32>(b, REF_NAME_BYTES),
  );
}

function copyRef(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u64>(to, load<u64>(from, 16), 16);
}

/** End of the ascending run that starts at `at`. */
function runEnd(at: usize, end: usize): usize {
  let next = at + REF_BYTES;
  while (next < end && compareRefs(next - REF_BYTES, next) <= 0) next += REF_BYTES;
  return next;
}

/** Merges the neighbouring runs [a, b) and [b, c) to `to`; equal names keep their order. */
function mergeRuns(a: usize, b: usize, c: usize, to: usize): void {
  const aEnd = b;
  while (a < aEnd && b < c) {
    if (compareRefs(a, b) <= 0) {
      copyRef(to, a);
      a += REF_BYTES;
    } else {
      copyRef(to, b);
      b += REF_BYTES;
    }
    to += REF_BYTES;
  }
  memory.copy(to, a, aEnd - a);
  memory.copy(to + (aEnd - a), b, c - b);
}

/**
 * Sorts `count` refs at `refs` by name, stably: a natural merge sort, linear for what is sorted already, n log k for k
 * sorted runs. `spare` is as large as `refs`. Returns where the sorted refs are: `refs` or `spare`.
 */
export function sortRefs(refs: usize, spare: usize, count: usize): usize {
  const bytes = count * REF_BYTES;
  let from = refs;
  let to = spare;
  while (runEnd(from, from + bytes) < from + bytes) {
    const end = from + bytes;
    let at = from;
    while (at < end) {
      const middle = runEnd(at, end);
      const stop = middle < end ? runEnd(middle, end) : end;
      mergeRuns(at, middle, stop, to + (at - from));
      at = stop;
    }
    const swap = from;
    from = to;
    to = swap;
  }
  return from;
}

let k0: u64 = 0;
let k1: u64 = 0;

/** Keys the hash, so that nobody can prepare names that collide. */
export function setHashKey(low: u64, high: u64): void {
  k0 = low;
  k1 = high;
}

/** SipHash-1-3 (Aumasson, Bernstein) of a directory's number and a name in it. */
export function hashName(directory: u32, name: usize, bytes: u32): u64 {
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  let word = ((<u64>directory) << 32) | bytes;
  let left: i32 = bytes;
  let finals = 0;
  while (true) {
    v3 ^= word;
    // One round.
    v0 += v1;
    v2 += v3;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 = rotl<u64>(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 = rotl<u64>(v2, 32);
    v0 ^= word;
    if (left > 0) {
      word = load<u64>(name);
      if (left < 8) word &= ((<u64>1) << ((<u64>left) << 3)) - 1;
      name += 8;
      left -= 8;
    } else {
      if (finals === 0) v2 ^= 0xff;
      if (finals++ === 3) break;
      word = 0;
    }
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
