/** Four blocks at a time, one in each 32-bit SIMD lane. Only the SIMD build calls this file. */
import { STATES, WK } from "./memory";
import { K } from "./single";

/** The four blocks' W, slot t at 16 t. */
const W4 = memory.data(64 * 16, 16);

/** Steps of four blocks at once. */
class Lanes {
  @inline
  static rotate(x: v128, bits: i32): v128 {
    return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
  }

  /** Words t..t+3 of four blocks, transposed so that slot t holds word t of each, and byte-swapped. */
  @inline
  static transpose(p0: usize, p1: usize, p2: usize, p3: usize, to: usize, k: usize): void {
    const r0 = v128.load(p0);
    const r1 = v128.load(p1);
    const r2 = v128.load(p2);
    const r3 = v128.load(p3);
    const t0 = v128.shuffle<u32>(r0, r1, 0, 4, 1, 5);
    const t1 = v128.shuffle<u32>(r2, r3, 0, 4, 1, 5);
    const t2 = v128.shuffle<u32>(r0, r1, 2, 6, 3, 7);
    const t3 = v128.shuffle<u32>(r2, r3, 2, 6, 3, 7);
    Lanes.put(to, k, 0, v128.shuffle<u64>(t0, t1, 0, 2));
    Lanes.put(to, k, 1, v128.shuffle<u64>(t0, t1, 1, 3));
    Lanes.put(to, k, 2, v128.shuffle<u64>(t2, t3, 0, 2));
    Lanes.put(to, k, 3, v128.shuffle<u64>(t2, t3, 1, 3));
  }

  @inline
  static put(to: usize, k: usize, i: u32, bigEndian: v128): void {
    const w = v128.shuffle<u8>(bigEndian, bigEndian, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    v128.store(W4 + to + i * 16, w);
    v128.store(WK + to + i * 16, i32x4.add(w, v128.load32_splat(k + i * 4)));
  }

  /** W[t] from W[t-16] at `p`, W[t-7] nine slots on, W[t-2] and W[t-15]. */
  @inline
  static expand(p: usize, w2: v128, w15: v128): v128 {
    const s0 = v128.xor(v128.xor(Lanes.rotate(w15, 7), Lanes.rotate(w15, 18)), i32x4.shr_u(w15, 3));
    const s1 = v128.xor(v128.xor(Lanes.rotate(w2, 17), Lanes.rotate(w2, 19)), i32x4.shr_u(w2, 10));
    return i32x4.add(i32x4.add(v128.load(p), v128.load(p, 144)), i32x4.add(s0, s1));
  }

  @inline
  static first(e: v128, f: v128, g: v128, h: v128, wk: v128): v128 {
    const sum1 = v128.xor(v128.xor(Lanes.rotate(e, 6), Lanes.rotate(e, 11)), Lanes.rotate(e, 25));
    const choose = v128.xor(g, v128.and(e, v128.xor(f, g)));
    return i32x4.add(i32x4.add(h, wk), i32x4.add(sum1, choose));
  }

  @inline
  static second(a: v128, b: v128, c: v128): v128 {
    const sum0 = v128.xor(v128.xor(Lanes.rotate(a, 2), Lanes.rotate(a, 13)), Lanes.rotate(a, 22));
    return i32x4.add(sum0, v128.xor(v128.and(a, b), v128.and(c, v128.xor(a, b))));
  }

  /** The states' word `i` of all lanes. */
  @inline
  static gather(i: u32): v128 {
    let x = v128.load32_splat(STATES + i * 4);
    x = i32x4.replace_lane(x, 1, load<i32>(STATES + i * 4, 32));
    x = i32x4.replace_lane(x, 2, load<i32>(STATES + i * 4, 64));
    return i32x4.replace_lane(x, 3, load<i32>(STATES + i * 4, 96));
  }

  @inline
  static scatter(i: u32, x: v128, idle: u32): void {
    if (idle !== 0) store<i32>(STATES + i * 4, i32x4.extract_lane(x, 0), 0);
    if (idle !== 1) store<i32>(STATES + i * 4, i32x4.extract_lane(x, 1), 32);
    if (idle !== 2) store<i32>(STATES + i * 4, i32x4.extract_lane(x, 2), 64);
    if (idle !== 3) store<i32>(STATES + i * 4, i32x4.extract_lane(x, 3), 96);
  }
}

/** W[t] + K[t] of the blocks at p0..p3 into WK, one block a lane. */
export function schedule4(p0: usize, p1: usize, p2: usize, p3: usize): void {
  Lanes.transpose(p0, p1, p2, p3, 0, K);
  Lanes.transpose(p0 + 16, p1 + 16, p2 + 16, p3 + 16, 64, K + 16);
  Lanes.transpose(p0 + 32, p1 + 32, p2 + 32, p3 + 32, 128, K + 32);
  Lanes.transpose(p0 + 48, p1 + 48, p2 + 48, p3 + 48, 192, K + 48);
  let w2 = v128.load(W4, 14 * 16);
  let w1 = v128.load(W4, 15 * 16);
  let k = K + 64;
  for (let p = W4; p !== W4 + 48 * 16; p += 32, k += 8) {
    w2 = Lanes.expand(p, w2, v128.load(p, 16));
    v128.store(p, w2, 256);
    v128.store(p + (WK - W4), i32x4.add(w2, v128.load32_splat(k)), 256);
    w1 = Lanes.expand(p + 16, w1, v128.load(p, 32));
    v128.store(p, w1, 272);
    v128.store(p + (WK - W4), i32x4.add(w1, v128.load32_splat(k, 4)), 272);
  }
}

/**
 * Hashes `blocks` blocks of each lane, from p0..p3. Lane `idle` (4: none) has no data: whatever lies at its address is
 * hashed for nothing and its state is left as it was.
 */
export function hash4(p0: usize, p1: usize, p2: usize, p3: usize, blocks: u32, idle: u32): void {
  let s0 = Lanes.gather(0);
  let s1 = Lanes.gather(1);
  let s2 = Lanes.gather(2);
  let s3 = Lanes.gather(3);
  let s4 = Lanes.gather(4);
  let s5 = Lanes.gather(5);
  let s6 = Lanes.gather(6);
  let s7 = Lanes.gather(7);
  for (; blocks > 0; --blocks) {
    schedule4(p0, p1, p2, p3);
    let a = s0;
    let b = s1;
    let c = s2;
    let d = s3;
    let e = s4;
    let f = s5;
    let g = s6;
    let h = s7;
    for (let wk = WK; wk !== WK + 1024; wk += 128) {
      h = Lanes.first(e, f, g, h, v128.load(wk, 0));
      d = i32x4.add(d, h);
      h = i32x4.add(h, Lanes.second(a, b, c));

      g = Lanes.first(d, e, f, g, v128.load(wk, 16));
      c = i32x4.add(c, g);
      g = i32x4.add(g, Lanes.second(h, a, b));

      f = Lanes.first(c, d, e, f, v128.load(wk, 32));
      b = i32x4.add(b, f);
      f = i32x4.add(f, Lanes.second(g, h, a));

      e = Lanes.first(b, c, d, e, v128.load(wk, 48));
      a = i32x4.add(a, e);
      e = i32x4.add(e, Lanes.second(f, g, h));

      d = Lanes.first(a, b, c, d, v128.load(wk, 64));
      h = i32x4.add(h, d);
      d = i32x4.add(d, Lanes.second(e, f, g));

      c = Lanes.first(h, a, b, c, v128.load(wk, 80));
      g = i32x4.add(g, c);
      c = i32x4.add(c, Lanes.second(d, e, f));

      b = Lanes.first(g, h, a, b, v128.load(wk, 96));
      f = i32x4.add(f, b);
      b = i32x4.add(b, Lanes.second(c, d, e));

      a = Lanes.first(f, g, h, a, v128.load(wk, 112));
      e = i32x4.add(e, a);
      a = i32x4.add(a, Lanes.second(b, c, d));
    }
    s0 = i32x4.add(s0, a);
    s1 = i32x4.add(s1, b);
    s2 = i32x4.add(s2, c);
    s3 = i32x4.add(s3, d);
    s4 = i32x4.add(s4, e);
    s5 = i32x4.add(s5, f);
    s6 = i32x4.add(s6, g);
    s7 = i32x4.add(s7, h);
    p0 += 64;
    p1 += 64;
    p2 += 64;
    p3 += 64;
  }
  Lanes.scatter(0, s0, idle);
  Lanes.scatter(1, s1, idle);
  Lanes.scatter(2, s2, idle);
  Lanes.scatter(3, s3, idle);
  Lanes.scatter(4, s4, idle);
  Lanes.scatter(5, s5, idle);
  Lanes.scatter(6, s6, idle);
  Lanes.scatter(7, s7, idle);
}
