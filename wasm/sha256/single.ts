/** One block at a time: the scalar message schedule and the 64 rounds (FIPS 180-4, sections 4.1.2 and 6.2.2). */
import { WK } from "./memory";

// prettier-ignore
export const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
], 16);

/** W without K, for the scalar schedule. */
const W = memory.data(64 * 4, 16);

/** Writes W[t] + K[t] of the block at `data` to every fourth word of WK. */
export function schedule(data: usize): void {
  for (let t: u32 = 0; t < 64; t += 4) {
    const w = bswap(load<u32>(data + t));
    store<u32>(W + t, w);
    store<u32>(WK + (t << 2), w + load<u32>(K + t));
  }
  for (let t: u32 = 64; t < 256; t += 4) {
    const p = W + t;
    const w15 = load<u32>(p - 60);
    const w2 = load<u32>(p - 8);
    const s0 = rotr(w15, 7) ^ rotr(w15, 18) ^ (w15 >> 3);
    const s1 = rotr(w2, 17) ^ rotr(w2, 19) ^ (w2 >> 10);
    const w = load<u32>(p - 64) + s0 + load<u32>(p - 28) + s1;
    store<u32>(p, w);
    store<u32>(WK + (t << 2), w + load<u32>(K + t));
  }
}

/** The functions of section 4.1.2. */
class Round {
  @inline
  static sum0(a: u32): u32 {
    return rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
  }

  @inline
  static sum1(e: u32): u32 {
    return rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
  }

  @inline
  static choose(e: u32, f: u32, g: u32): u32 {
    return g ^ (e & (f ^ g));
  }
}

/** The 64 rounds over W[t] + K[t] at `wk` + 16 t, added into `state`. */
export function rounds(state: usize, wk: usize): void {
  let a = load<u32>(state, 0);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  // The majority of a, b, c is b where a and b, or b and c, are the same. The next round's b and c are this one's a and
  // b, so each difference is computed once.
  let bc = b ^ c;
  let ab: u32 = 0;
  const end = wk + 1024;
  do {
    h += load<u32>(wk, 0) + Round.choose(e, f, g) + Round.sum1(e);
    d += h;
    ab = a ^ b;
    h += (b ^ (ab & bc)) + Round.sum0(a);

    g += load<u32>(wk, 16) + Round.choose(d, e, f) + Round.sum1(d);
    c += g;
    bc = h ^ a;
    g += (a ^ (bc & ab)) + Round.sum0(h);

    f += load<u32>(wk, 32) + Round.choose(c, d, e) + Round.sum1(c);
    b += f;
    ab = g ^ h;
    f += (h ^ (ab & bc)) + Round.sum0(g);

    e += load<u32>(wk, 48) + Round.choose(b, c, d) + Round.sum1(b);
    a += e;
    bc = f ^ g;
    e += (g ^ (bc & ab)) + Round.sum0(f);

    d += load<u32>(wk, 64) + Round.choose(a, b, c) + Round.sum1(a);
    h += d;
    ab = e ^ f;
    d += (f ^ (ab & bc)) + Round.sum0(e);

    c += load<u32>(wk, 80) + Round.choose(h, a, b) + Round.sum1(h);
    g += c;
    bc = d ^ e;
    c += (e ^ (bc & ab)) + Round.sum0(d);

    b += load<u32>(wk, 96) + Round.choose(g, h, a) + Round.sum1(g);
    f += b;
    ab = c ^ d;
    b += (d ^ (ab & bc)) + Round.sum0(c);

    a += load<u32>(wk, 112) + Round.choose(f, g, h) + Round.sum1(f);
    e += a;
    bc = b ^ c;
    a += (c ^ (bc & ab)) + Round.sum0(b);
    wk += 128;
  } while (wk !== end);
  store<u32>(state, load<u32>(state, 0) + a, 0);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}
