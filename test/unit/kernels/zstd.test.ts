import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type GantryError, isGantryError } from "../../../src/errors/index.ts";
import { ZstdDecoder, ZstdEncoder } from "../../../src/kernels/zstd.ts";
import { Seeded } from "./seeded.ts";

const sample = new Seeded(30).compressible(600_000);
const cli = spawnSync("zstd", ["--version"]).error === undefined;

async function encode(pieces: readonly Uint8Array[], level?: number): Promise<Buffer> {
  const encoder = await ZstdEncoder.create(level === undefined ? {} : { level });
  const output: Buffer[] = [];
  for (const piece of pieces) encoder.push(piece, (bytes) => output.push(Buffer.from(bytes)));
  encoder.finish((bytes) => output.push(Buffer.from(bytes)));
  return Buffer.concat(output);
}

async function decode(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const decoder = await ZstdDecoder.create();
  const output: Buffer[] = [];
  for (const piece of pieces) decoder.push(piece, (bytes) => output.push(Buffer.from(bytes)));
  decoder.finish();
  return Buffer.concat(output);
}

async function failure(
  stream: Uint8Array,
  code: "ZSTD_INVALID" | "ZSTD_WINDOW_TOO_LARGE" = "ZSTD_INVALID",
): Promise<GantryError> {
  try {
    await decode([stream]);
  } catch (error) {
    if (isGantryError(error, code)) return error;
    throw error;
  }
  throw new Error("no error");
}

function zstd(args: readonly string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync("zstd", ["-q", "-c", ...args], { input, maxBuffer: 1e9 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

/** RFC 8878, section 3.1.2. */
function skippable(content: Uint8Array, type = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50 + type, 0);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}

/** A frame of raw blocks: no checksum, no content size, the window that descriptor byte `window` says. */
function rawFrame(window: number, content: Uint8Array): Buffer {
  const block = (content.length << 3) | 1;
  return Buffer.concat([
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, window, block & 255, (block >> 8) & 255, block >> 16),
    content,
  ]);
}

describe("ZstdDecoder", () => {
  it("reads what ZstdEncoder writes, however both are cut", async () => {
    const random = new Seeded(31);
    for (const level of [1, 3, 9]) {
      const stream = await encode([sample], level);
      expect((await encode(random.cut(sample, 9000), level)).equals(stream)).toBe(true);
      expect((await decode([stream])).equals(sample)).toBe(true);
      expect((await decode(random.cut(stream, 3000))).equals(sample)).toBe(true);
    }
  });

  it("reads every length from 0 to 300, byte by byte", async () => {
    for (let length = 0; length <= 300; length += 7) {
      const plain = sample.subarray(90_000, 90_000 + length);
      const stream = await encode([plain]);
      expect((await decode(Array.from(stream, (_, i) => stream.subarray(i, i + 1)))).equals(plain)).toBe(true);
    }
  });

  it("reads frames in a row and skips skippable ones", async () => {
    const [a, b] = [sample.subarray(0, 50_000), sample.subarray(50_000, 50_100)];
    const stream = Buffer.concat([
      skippable(Buffer.from("x"), 15),
      await encode([a]),
      skippable(new Uint8Array(0)),
      rawFrame(0, b),
      await encode([a], 9),
      skippable(new Seeded(32).bytes(1000)),
    ]);
    for (const most of [1, 13, 1_000_000])
      expect((await decode(new Seeded(33).cut(stream, most))).equals(Buffer.concat([a, b, a]))).toBe(true);
  });

  it("decompresses windows up to 128 MiB", async () => {
    const plain = Buffer.from("a window of");
    // Exponent 17 - 10 .. : 2^(10 + (byte >> 3)) plus eighths.
    for (const mib of [8, 16, 128]) {
      const descriptor = (Math.log2(mib) + 10) << 3;
      expect((await decode([rawFrame(descriptor, plain)])).equals(plain), `${mib} MiB`).toBe(true);
    }
  });

  it("says ZSTD_WINDOW_TOO_LARGE, with both numbers, beyond that", async () => {
    const error = await failure(rawFrame((17 << 3) + 1, Buffer.from("x")), "ZSTD_WINDOW_TOO_LARGE");
    expect(error.message).toContain(String(144 * 1048576));
    expect(error.message).toContain(String(128 * 1048576));
    expect(error.kind).toBe("unsupported");
  });

  it("says what is wrong with the structure of a stream", async () => {
    const good = await encode([sample.subarray(0, 1000)]);
    expect((await failure(new Uint8Array(0))).message).toMatch(/is empty/);
    expect((await failure(Buffer.from("PK\x03\x04 and so on"))).message).toMatch(/magic number/);
    expect((await failure(Buffer.concat([good, Buffer.from("more")]))).message).toMatch(/no frame follow/);
    expect((await failure(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 8, 0))).message).toMatch(/reserved bit/);
    expect((await failure(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 7, 0, 0))).message).toMatch(/reserved type 3/);
    expect((await failure(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 0, 9, 1, 0, 0))).message).toMatch(/dictionary 9/);
  });

  it("finds every truncation", async () => {
    const stream = Buffer.concat([skippable(Buffer.from("abc")), await encode([sample.subarray(0, 1500)])]);
    for (let length = 1; length < stream.length; length++) {
      if (length === 11) continue; // only the skippable frame: complete
      expect((await failure(stream.subarray(0, length))).message).toMatch(/truncated/);
    }
  });

  it.runIf(cli)("never gives other output for a stream with a checksum and one byte changed", async () => {
    const plain = sample.subarray(200_000, 201_500);
    const stream = zstd(["-3", "--check"], plain);
    for (let at = 0; at < stream.length; at++) {
      const changed = Buffer.from(stream);
      changed[at]! ^= 0x11;
      let output: Buffer | undefined;
      try {
        output = await decode([changed]);
      } catch (error) {
        if (!isGantryError(error, "ZSTD_INVALID") && !isGantryError(error, "ZSTD_WINDOW_TOO_LARGE")) throw error;
      }
      if (output !== undefined) expect(output.equals(plain)).toBe(true);
    }
  });

  it.runIf(cli)("reads what zstd(1) writes: levels, long windows, without content size or checksum", async () => {
    for (const args of [["-1"], ["-19"], ["--ultra", "-22"], ["-3", "--long=27"], ["-3", "--no-check"]])
      expect((await decode([zstd(args, sample)])).equals(sample), args.join(" ")).toBe(true);
  });

  it("lets an exception of its consumer through", async () => {
    const decoder = await ZstdDecoder.create();
    const stream = await encode([sample]);
    expect(() =>
      decoder.push(stream, () => {
        throw new Error("disk full");
      }),
    ).toThrow("disk full");
    expect((await decode([stream])).equals(sample)).toBe(true);
  });

  it("works many at a time", async () => {
    const stream = await encode([sample]);
    const half = stream.length >> 1;
    const decoders = await Promise.all([1, 2, 3, 4, 5].map(() => ZstdDecoder.create()));
    const bytes = decoders.map(() => 0);
    for (const part of [stream.subarray(0, half), stream.subarray(half)])
      for (const [i, decoder] of decoders.entries()) decoder.push(part, (output) => (bytes[i]! += output.length));
    for (const decoder of decoders) decoder.finish();
    expect(bytes).toEqual(decoders.map(() => sample.length));
  });
});

describe("ZstdEncoder", () => {
  it.runIf(cli)("writes what zstd(1) reads, at low and high levels", async () => {
    for (const level of [1, 3, 12, 19]) expect(zstd(["-d"], await encode([sample], level)).equals(sample)).toBe(true);
  });

  it("refuses levels that it does not have, and use after its end", async () => {
    for (const level of [0, 20, 2.5, -1]) expect(() => ZstdEncoder.create({ level })).toThrow(RangeError);
    const encoder = await ZstdEncoder.create();
    encoder.finish(() => undefined);
    expect(() => encoder.push(sample, () => undefined)).toThrow(/after its end/);
  });
});
