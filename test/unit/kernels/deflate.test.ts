import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { GZIP_BLOCK_BYTES, GzipEncoder } from "../../../src/kernels/deflate.ts";
import { GzipDecoder } from "../../../src/kernels/inflate.ts";
import { Seeded } from "./seeded.ts";

const sample = new Seeded(20).compressible(1_200_000);
const noise = new Seeded(21).bytes(200_000);

const cases = ([1, 6] as const).flatMap((level) => (["scalar", "simd"] as const).map((build) => ({ level, build })));

describe.each(cases)("the $build deflate kernel at level $level", ({ level, build }) => {
  const deflate = (pieces: readonly Uint8Array[]): Buffer => {
    const encoder = new GzipEncoder({ level, build });
    const output: Buffer[] = [];
    for (const piece of pieces) encoder.push(piece, (bytes) => output.push(Buffer.from(bytes)));
    encoder.finish((bytes) => output.push(Buffer.from(bytes)));
    return Buffer.concat(output);
  };
  const check = (plain: Uint8Array): Buffer => {
    const stream = deflate([plain]);
    expect(gunzipSync(stream).equals(plain), `length ${plain.length}`).toBe(true);
    return stream;
  };

  it("writes what zlib reads, for every length from 0 to 300", () => {
    for (let length = 0; length <= 300; length++) {
      check(sample.subarray(60_000, 60_000 + length));
      check(noise.subarray(0, length));
      check(new Uint8Array(length));
    }
  });

  it("writes what zlib reads around the edges of its units", () => {
    for (const edge of [32_768, 65_535, 65_536, 98_304, 131_072, GZIP_BLOCK_BYTES])
      for (let length = edge - 3; length <= edge + 3; length++) {
        check(sample.subarray(0, length));
        if (length % 2 === 0 && edge < GZIP_BLOCK_BYTES) check(noise.subarray(0, length));
      }
  });

  it("writes what zlib reads of runs and patterns of every distance to 300", () => {
    const random = new Seeded(22);
    for (let distance = 1; distance <= 300; distance++) {
      const pattern = random.bytes(distance);
      const plain = new Uint8Array(2000);
      for (let i = 0; i < plain.length; i++) plain[i] = pattern[i % distance]!;
      check(plain);
    }
  });

  it("refers back to the full window and not further", () => {
    const random = new Seeded(23);
    for (const distance of [32_000, 32_767, 32_768, 32_769, 33_000]) {
      const block = random.bytes(300);
      const plain = Buffer.concat([block, random.bytes(distance - 300), block, random.bytes(65_536), block]);
      check(plain);
    }
  });

  it("survives counts that make the longest Huffman codes", () => {
    // Fibonacci counts ask for codes longer than 15 bits.
    const parts: Uint8Array[] = [];
    for (let i = 0, a = 1, b = 1; i < 22; i++, [a, b] = [b, a + b]) parts.push(new Uint8Array(a).fill(i * 3));
    const all = Buffer.concat(parts);
    const random = new Seeded(24);
    for (let i = all.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [all[i], all[j]] = [all[j]!, all[i]!];
    }
    check(all);
    check(all.subarray(0, 65_536));
  });

  it("does not depend on how the input is cut", () => {
    const random = new Seeded(25);
    const expected = deflate([sample]);
    for (const most of [10_000, 65_535, 65_536, 65_537, 1_000_000])
      expect(deflate(random.cut(sample, most)).equals(expected)).toBe(true);
    const small = sample.subarray(0, 70_000);
    expect(deflate(random.cut(small, 1)).equals(deflate([small]))).toBe(true);
  });

  it("gives the same bytes again from a used instance", () => {
    const first = deflate([sample]);
    deflate([noise]);
    expect(deflate([sample]).equals(first)).toBe(true);
  });

  it("never grows noise by more than 0.1 %", () => {
    expect(check(noise).length).toBeLessThan(noise.length * 1.001 + 40);
  });

  it("is about as small as zlib", () => {
    const ours = check(sample).length;
    const theirs = gzipSync(sample, { level }).length;
    expect(ours / theirs).toBeLessThan(level === 1 ? 1.08 : 1.06);
  });

  it("writes a header without time and name", () => {
    expect([...check(sample).subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level === 1 ? 4 : 0, 255]);
  });

  it("writes what gzip(1) and the inflate kernel read", ({ skip }) => {
    const stream = deflate([sample]);
    const decoder = new GzipDecoder({ build });
    const output: Buffer[] = [];
    decoder.push(stream, (bytes) => output.push(Buffer.from(bytes)));
    decoder.finish();
    expect(Buffer.concat(output).equals(sample)).toBe(true);
    const gzip = spawnSync("gzip", ["-dc"], { input: stream, maxBuffer: 1e8 });
    if (gzip.error) skip("gzip is not installed");
    expect([gzip.status, gzip.stderr.toString(), gzip.stdout.equals(sample)]).toEqual([0, "", true]);
  });

  it("keeps its golden digest: layers compressed by another version must not get another digest", () => {
    expect(
      createHash("sha256")
        .update(deflate([sample]))
        .digest("hex"),
    ).toBe(GOLDEN[level]);
  });

  it("refuses use after its end", () => {
    const encoder = new GzipEncoder({ level, build });
    encoder.finish(() => undefined);
    expect(() => encoder.push(sample, () => undefined)).toThrow(/after its end/);
    expect(() => encoder.finish(() => undefined)).toThrow(/after its end/);
  });
});

const GOLDEN = {
  1: "bc9a7ed128634f1c619d59c1c14248fe5f3d484f67a9a2a958212592549b14db",
  6: "ea7bf8aeb952e1777396dbf850a7d75c140646713c128856f912fa9fc9e67e79",
};
