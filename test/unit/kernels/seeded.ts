/** Repeatable randomness for tests: the same seed gives the same numbers for ever (mulberry32). */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `below` - 1. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 4294967296) * below);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** Bytes that compress: words, runs, repeats from near and far, some noise. */
  compressible(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const kind = this.below(5);
      const count = Math.min(length - at, 1 + this.below(kind === 0 ? 12 : 300));
      if (kind === 0 || at === 0) for (let i = 0; i < count; i++) bytes[at + i] = this.below(256);
      else if (kind === 1) bytes.fill(this.below(4) * 32, at, at + count);
      else if (kind === 2) for (let i = 0; i < count; i++) bytes[at + i] = 97 + this.below(20);
      else {
        const distance = 1 + this.below(Math.min(at, kind === 3 ? 40 : 40_000));
        for (let i = 0; i < count; i++) bytes[at + i] = bytes[at + i - distance]!;
      }
      at += count;
    }
    return bytes;
  }

  /** `bytes` in pieces of random sizes up to `most`, some empty, at misaligned addresses. */
  cut(bytes: Uint8Array, most: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = this.below(most + 1);
      const piece = bytes.subarray(at, at + size);
      const shift = this.below(8);
      const moved = new Uint8Array(piece.length + shift).subarray(shift);
      moved.set(piece);
      pieces.push(moved);
      at += size;
    }
    return pieces;
  }
}
