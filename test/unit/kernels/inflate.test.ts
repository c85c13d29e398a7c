import { spawnSync } from "node:child_process";
import { crc32 as zlibCrc32, constants, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { GantryError, isGantryError } from "../../../src/errors/index.ts";
import { GzipDecoder } from "../../../src/kernels/inflate.ts";
import { BROKEN_GZIP } from "../../vectors/gzip-broken.ts";
import { Seeded } from "./seeded.ts";

const sample = new Seeded(10).compressible(700_000);

/** A gzip header with the optional fields given, RFC 1952, section 2.3. */
function header(fields: { extra?: Uint8Array; name?: string; comment?: string; crc?: boolean }): Uint8Array {
  const flags =
    (fields.crc === true ? 2 : 0) +
    (fields.extra === undefined ? 0 : 4) +
    (fields.name === undefined ? 0 : 8) +
    (fields.comment === undefined ? 0 : 16);
  const parts: Uint8Array[] = [Uint8Array.of(0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3)];
  if (fields.extra !== undefined)
    parts.push(Uint8Array.of(fields.extra.length & 255, fields.extra.length >> 8), fields.extra);
  if (fields.name !== undefined) parts.push(Buffer.from(`${fields.name}\0`, "latin1"));
  if (fields.comment !== undefined) parts.push(Buffer.from(`${fields.comment}\0`, "latin1"));
  if (fields.crc === true) {
    const crc = crc32(Buffer.concat(parts));
    parts.push(Uint8Array.of(crc & 255, (crc >> 8) & 255));
  }
  return Buffer.concat(parts);
}

function crc32(bytes: Uint8Array): number {
  // node:zlib has had crc32 only since 20.15 and 22.2.
  if (typeof zlibCrc32 === "function") return zlibCrc32(bytes);
  return gzipSync(bytes).readUInt32LE(gzipSync(bytes).length - 8);
}

describe.each(["scalar", "simd"] as const)("the %s inflate kernel", (build) => {
  const inflate = (pieces: readonly Uint8Array[]): Buffer => {
    const decoder = new GzipDecoder({ build });
    const output: Buffer[] = [];
    for (const piece of pieces) decoder.push(piece, (bytes) => output.push(Buffer.from(bytes)));
    decoder.finish();
    return Buffer.concat(output);
  };
  const failure = (pieces: readonly Uint8Array[]): GantryError => {
    try {
      inflate(pieces);
    } catch (error) {
      if (isGantryError(error, "GZIP_INVALID")) return error;
      throw error;
    }
    throw new Error("no error");
  };

  const strategies = {
    default: constants.Z_DEFAULT_STRATEGY,
    fixed: constants.Z_FIXED,
    huffman: constants.Z_HUFFMAN_ONLY,
    rle: constants.Z_RLE,
  };
  const forms = Object.entries(strategies).flatMap(([name, strategy]) =>
    [0, 1, 6, 9].map((level) => ({ name, strategy, level })),
  );
  it.each(forms)("reads what zlib writes: strategy $name, level $level", ({ strategy, level }) => {
    const random = new Seeded(level);
    const stream = gzipSync(sample, { strategy, level });
    expect(inflate([stream]).equals(sample)).toBe(true);
    expect(inflate(random.cut(stream, 5000)).equals(sample)).toBe(true);
    const small = gzipSync(sample.subarray(0, 20_000), { strategy, level });
    expect(inflate(random.cut(small, 2)).equals(sample.subarray(0, 20_000))).toBe(true);
  });

  it("reads every length from 0 to 300, byte by byte", () => {
    for (let length = 0; length <= 300; length++) {
      const plain = sample.subarray(50_000, 50_000 + length);
      const stream = gzipSync(plain);
      const bytes = Array.from(stream, (_, i) => stream.subarray(i, i + 1));
      expect(inflate(bytes).equals(plain), `length ${length}`).toBe(true);
    }
  });

  it("reads matches of every distance from 1 to 40 and of the longest, and all lengths", () => {
    const random = new Seeded(11);
    for (const distance of [...Array.from({ length: 40 }, (_, i) => i + 1), 255, 4096, 32_506, 32_767, 32_768]) {
      const pattern = random.bytes(distance);
      const plain = new Uint8Array(distance * 2 + 3000);
      for (let i = 0; i < plain.length; i++) plain[i] = pattern[i % distance]!;
      expect(inflate([gzipSync(plain, { level: 9 })]).equals(plain), `distance ${distance}`).toBe(true);
    }
  });

  it("keeps the window over the ends of its output buffer and of stored blocks", () => {
    const random = new Seeded(12);
    const noise = random.bytes(32_768);
    const plain = Buffer.concat(Array.from({ length: 40 }, (_, i) => noise.subarray(i * 7)));
    for (const level of [1, 9]) expect(inflate([gzipSync(plain, { level })]).equals(plain)).toBe(true);
  });

  it("hands over at most 256 KiB at a time, counts, and needs no more memory for a bomb", () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const decoder = new GzipDecoder({ build });
    let bytes = 0;
    decoder.push(bomb, (output) => {
      bytes += output.length;
      expect(output.length).toBeLessThanOrEqual(262_144 + 320);
      expect(output.buffer.byteLength).toBeLessThan(1_000_000);
    });
    decoder.finish();
    expect([bytes, decoder.outputBytes, decoder.inputBytes]).toEqual([50_000_000, 50_000_000, bomb.length]);
  });

  it("reads members in a row, also empty ones", () => {
    const parts = [0, 1, 300_000, 0, 17].map((length) => sample.subarray(100, 100 + length));
    const stream = Buffer.concat(parts.map((part) => gzipSync(part)));
    for (const most of [1, 7, 1_000_000])
      expect(inflate(new Seeded(13).cut(stream, most)).equals(Buffer.concat(parts))).toBe(true);
  });

  it("ignores zero padding, as gzip(1) does", () => {
    const stream = Buffer.concat([gzipSync(sample), Buffer.alloc(100_000)]);
    expect(inflate([stream]).equals(sample)).toBe(true);
    expect(inflate(new Seeded(14).cut(stream, 999)).equals(sample)).toBe(true);
  });

  it("reads headers with extra field, name, comment and CRC", () => {
    const body = gzipSync("hello").subarray(10);
    const extra = new Seeded(15).bytes(1000);
    for (let mask = 0; mask < 16; mask++) {
      const head = header({
        ...(mask & 1 ? { extra } : {}),
        ...(mask & 2 ? { name: "layer.tar" } : {}),
        ...(mask & 4 ? { comment: "" } : {}),
        crc: (mask & 8) !== 0,
      });
      const stream = Buffer.concat([head, body]);
      expect(inflate([stream]).toString()).toBe("hello");
      expect(inflate(Array.from(stream, (_, i) => stream.subarray(i, i + 1))).toString()).toBe("hello");
    }
    const broken = Buffer.concat([header({ name: "x", crc: true }), body]);
    broken[4]! ^= 1;
    expect(failure([broken]).message).toMatch(/header's CRC/);
  });

  it("reads what gzip(1) writes", ({ skip }) => {
    const gzip = spawnSync("gzip", ["-c"], { input: sample, maxBuffer: 1e8 });
    if (gzip.error) skip("gzip is not installed");
    expect(inflate([gzip.stdout]).equals(sample)).toBe(true);
  });

  it.each(BROKEN_GZIP)("says what is wrong with $fault", ({ stream, says }) => {
    expect(failure([stream]).message).toMatch(says);
    expect(failure(Array.from(stream, (_, i) => stream.subarray(i, i + 1))).message).toMatch(says);
    // The second opinion. What follows a member is the one thing that zlib's gunzip is lenient about.
    if (!/follow the last member|is empty/.test(says.source)) expect(() => gunzipSync(stream)).toThrow();
  });

  it("finds every truncation", () => {
    const stream = gzipSync(sample.subarray(0, 3000));
    for (let length = 1; length < stream.length; length++)
      expect(failure([stream.subarray(0, length)]).message).toMatch(/truncated/);
  });

  it("never gives other output for a stream with one bit changed", () => {
    const plain = sample.subarray(200_000, 202_000);
    const stream = gzipSync(plain);
    for (let bit = 0; bit < stream.length * 8; bit++) {
      const changed = Buffer.from(stream);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      let output: Buffer | undefined;
      try {
        output = inflate([changed]);
      } catch (error) {
        if (!isGantryError(error, "GZIP_INVALID")) throw error;
      }
      // Much of the header says nothing about the content, and bits can have another meaning with the same result.
      if (output !== undefined) expect(output.equals(plain)).toBe(true);
    }
  });

  it("lets an exception of its consumer through and can be dropped then", () => {
    const decoder = new GzipDecoder({ build });
    expect(() =>
      decoder.push(gzipSync(sample), () => {
        throw new Error("disk full");
      }),
    ).toThrow("disk full");
    expect(inflate([gzipSync("next")]).toString()).toBe("next");
  });

  it("refuses use after its end", () => {
    const decoder = new GzipDecoder({ build });
    decoder.push(gzipSync("x"), () => undefined);
    decoder.finish();
    expect(() => decoder.finish()).toThrow(/after its end/);
    expect(() => decoder.push(gzipSync("x"), () => undefined)).toThrow(/after its end/);
  });
});

describe("the CRC-32 of the kernels", () => {
  it("agrees with zlib around the lengths where its method changes", () => {
    const random = new Seeded(16);
    for (const edge of [16_384, 16_384 + 1024 * 16, 300 * 16 + 16_384, 262_144]) {
      for (const length of [edge - 17, edge - 16, edge - 1, edge, edge + 1, edge + 15]) {
        // Stored blocks: the output is summed in pieces of about this length.
        const plain = random.bytes(length);
        const decoder = new GzipDecoder();
        decoder.push(gzipSync(plain, { level: 0 }), () => undefined);
        decoder.finish();
      }
    }
  });
});
