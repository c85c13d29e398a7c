/** Length-limited Huffman codes from counts, and their canonical codes (RFC 1951, section 3.2.2). */

/** (count << 9 | symbol) of the symbols in use, ascending. */
const SORTED = memory.data(288 * 4, 16);
/** Weights, then parents, then depths: the work of Moffat and Katajainen's in-place construction. */
const WORK = memory.data(288 * 4, 16);
const PER_LENGTH = memory.data(33 * 4, 16);

function work(i: i32): u32 {
  return load<u32>(WORK + (i << 2));
}

function setWork(i: i32, value: u32): void {
  store<u32>(WORK + (i << 2), value);
}

function sort(n: i32): void {
  for (let gap: i32 = 57; gap > 0; gap = gap === 57 ? 23 : gap === 23 ? 10 : gap === 10 ? 4 : gap === 4 ? 1 : 0) {
    for (let i = gap; i < n; ++i) {
      const value = load<u32>(SORTED + (i << 2));
      let j = i;
      for (; j >= gap && load<u32>(SORTED + ((j - gap) << 2)) > value; j -= gap)
        store<u32>(SORTED + (j << 2), load<u32>(SORTED + ((j - gap) << 2)));
      store<u32>(SORTED + (j << 2), value);
    }
  }
}

/** Writes the code length, 0..`limit`, of each of `symbols` symbols. At least two are given a code, as zlib does. */
export function codeLengths(counts: usize, symbols: u32, limit: u32, lengths: usize): void {
  memory.fill(lengths, 0, symbols);
  let n: i32 = 0;
  for (let s: u32 = 0; s < symbols; ++s) {
    const count = load<u32>(counts + (s << 2));
    if (count > 0) store<u32>(SORTED + (n++ << 2), (count << 9) | s);
  }
  if (n < 2) {
    // Decoders differ about codes of a single symbol; they agree about two.
    const only: u32 = n === 1 ? load<u32>(SORTED) & 511 : 0;
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only === 0 ? 1 : 0), 1);
    return;
  }
  sort(n);
  for (let i: i32 = 0; i < n; ++i) setWork(i, load<u32>(SORTED + (i << 2)) >> 9);

  // Join the two lightest, n - 1 times; an internal node takes the place of a leaf already joined.
  let leaf: i32 = 0;
  let root: i32 = 0;
  for (let next: i32 = 0; next < n - 1; ++next) {
    let weight: u32 = 0;
    for (let i = 0; i < 2; ++i) {
      if (leaf >= n || (root < next && work(root) < work(leaf))) {
        weight += work(root);
        setWork(root++, next);
      } else weight += work(leaf++);
    }
    setWork(next, weight);
  }
  // Depths of the internal nodes, from the root (the last) down; then how many leaves there are at each depth.
  setWork(n - 2, 0);
  for (let next: i32 = n - 3; next >= 0; --next) setWork(next, work(i32(work(next))) + 1);
  memory.fill(PER_LENGTH, 0, 33 * 4);
  let free: u32 = 1;
  let inner: i32 = n - 2;
  for (let depth: u32 = 0; free > 0; ++depth) {
    let used: u32 = 0;
    for (; inner >= 0 && work(inner) === depth; --inner) ++used;
    const at = PER_LENGTH + (min(depth, limit) << 2);
    store<u32>(at, load<u32>(at) + free - used);
    free = used << 1;
  }
  // Codes cut to the limit take too much of the code space: lengthen others until it is enough.
  let space: u32 = 0;
  for (let length: u32 = 1; length <= limit; ++length)
    space += load<u32>(PER_LENGTH + (length << 2)) << (limit - length);
  for (; space > 1 << limit; --space) {
    let length = limit - 1;
    while (load<u32>(PER_LENGTH + (length << 2)) === 0) --length;
    const at = PER_LENGTH + (length << 2);
    store<u32>(at, load<u32>(at) - 1);
    store<u32>(at, load<u32>(at, 4) + 2, 4);
    const longest = PER_LENGTH + (limit << 2);
    store<u32>(longest, load<u32>(longest) - 1);
  }
  let i: i32 = 0;
  for (let length = limit; length > 0; --length) {
    for (let count = load<u32>(PER_LENGTH + (length << 2)); count > 0; --count)
      store<u8>(lengths + (load<u32>(SORTED + (i++ << 2)) & 511), u8(length));
  }
}

/** Writes length << 24 | code, its first bit lowest, of each symbol to `codes`. */
export function canonicalCodes(lengths: usize, symbols: u32, codes: usize): void {
  memory.fill(PER_LENGTH, 0, 33 * 4);
  for (let s: u32 = 0; s < symbols; ++s) {
    const at = PER_LENGTH + (u32(load<u8>(lengths + s)) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let code: u32 = 0;
  let count: u32 = 0;
  for (let length: u32 = 1; length < 16; ++length) {
    code = (code + count) << 1;
    count = load<u32>(PER_LENGTH + (length << 2));
    store<u32>(PER_LENGTH + (length << 2), code);
  }
  for (let s: u32 = 0; s < symbols; ++s) {
    const length: u32 = load<u8>(lengths + s);
    if (length === 0) {
      store<u32>(codes + (s << 2), 0);
      continue;
    }
    const at = PER_LENGTH + (length << 2);
    const value = load<u32>(at);
    store<u32>(at, value + 1);
    store<u32>(codes + (s << 2), (length << 24) | (reverse(value) >> (32 - length)));
  }
}

function reverse(x: u32): u32 {
  x = ((x >> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  return bswap(x);
}
