import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type CompressionMethod } from "../../../src/kernels/compress-block.ts";
import { compressFiles, type CompressFilesOptions } from "../../../src/kernels/compress-files.ts";
import { GzipEncoder, type GzipLevel, joinCrc32 } from "../../../src/kernels/deflate.ts";
import { ZstdDecoder } from "../../../src/kernels/zstd.ts";
import { scratchDirectory } from "../bridge/scratch.ts";
import { Seeded } from "./seeded.ts";

const scratch = scratchDirectory("compress");
const GOLDEN = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../golden/compressed-layer.json"), "utf8"),
) as Record<string, string>;

/** What the golden digests are of: every run's the same, with all that a layer has: text, noise, zeros, repeats. */
const layer = Buffer.concat([
  new Seeded(7).compressible(4_500_000),
  new Seeded(8).bytes(300_000),
  new Uint8Array(1_000_000),
  new Seeded(7).compressible(500_000),
]);
const sizes = { layer: layer.length, block: 1 << 20, frame: 4 << 20, more: (4 << 20) + 1, little: 1000, empty: 0 };
const files = Object.entries(sizes).map(([name, sizeBytes]) => ({ path: join(scratch, name), sizeBytes }));
for (const { path, sizeBytes } of files) writeFileSync(path, layer.subarray(0, sizeBytes));

async function compress(
  method: CompressionMethod,
  options: CompressFilesOptions,
  wanted: readonly { path: string; sizeBytes: number }[] = files,
): Promise<Buffer[]> {
  const parts: Buffer[][] = wanted.map(() => []);
  for await (const { file, bytes } of compressFiles(wanted, method, options)) parts[file]?.push(Buffer.from(bytes));
  return parts.map((list) => Buffer.concat(list));
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function unzstd(bytes: Buffer): Promise<Buffer> {
  const decoder = await ZstdDecoder.create();
  const output: Buffer[] = [];
  decoder.push(bytes, (part) => output.push(Buffer.from(part)));
  decoder.finish();
  return Buffer.concat(output);
}

describe("files compressed by threads", () => {
  const methods: CompressionMethod[] = [
    { kind: "gzip", level: 1 },
    { kind: "gzip", level: 6 },
    { kind: "zstd", level: 1 },
    { kind: "zstd", level: 3 },
  ];

  it.each(methods)(
    "$kind $level: are the same bytes for any number of threads, those of the golden digest",
    async (method) => {
      const alone = await compress(method, { threads: 0 });
      expect(digest(alone[0]!)).toBe(GOLDEN[`${method.kind} ${method.level}`]);
      for (const threads of [1, 3]) {
        const together = await compress(method, { threads });
        expect(together.map(digest)).toEqual(alone.map(digest));
      }
      for (const [index, { sizeBytes }] of files.entries()) {
        const plain = method.kind === "gzip" ? gunzipSync(alone[index]!) : await unzstd(alone[index]!);
        expect(plain.equals(layer.subarray(0, sizeBytes))).toBe(true);
      }
    },
  );

  it.each([1, 6] satisfies GzipLevel[])("gzip %i: are the bytes of one stream through the encoder", async (level) => {
    const encoder = new GzipEncoder({ level });
    const output: Buffer[] = [];
    for (const piece of new Seeded(9).cut(layer, 700_000))
      encoder.push(piece, (bytes) => output.push(Buffer.from(bytes)));
    encoder.finish((bytes) => output.push(Buffer.from(bytes)));
    const [first] = await compress({ kind: "gzip", level }, { threads: 0 }, files.slice(0, 1));
    expect(Buffer.concat(output).equals(first!)).toBe(true);
  });

  it("gzip: are one member each, which gzip(1) tests; zstd: frames that zstd(1) reads in a row", async ({ skip }) => {
    const [gzip] = await compress({ kind: "gzip", level: 6 }, { threads: 2 }, files.slice(0, 1));
    const [zstd] = await compress({ kind: "zstd", level: 3 }, { threads: 2 }, files.slice(0, 1));
    for (const [tool, bytes] of [
      ["gzip", gzip!],
      ["zstd", zstd!],
    ] as const) {
      const read = spawnSync(tool, ["-dc"], { input: bytes, maxBuffer: 1e8 });
      if (read.error) skip(`${tool} is not installed`);
      expect([read.status, read.stderr.toString(), read.stdout.equals(layer)]).toEqual([0, "", true]);
    }
  });

  it("stop at once when they are cancelled, and say what is wrong with a file", async () => {
    const signal = AbortSignal.abort();
    await expect(compress({ kind: "gzip", level: 6 }, { threads: 0, signal })).rejects.toMatchObject({
      code: "CANCELLED",
    });
    const controller = new AbortController();
    const running = compress({ kind: "gzip", level: 9 }, { threads: 2, signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
    const short = [{ path: join(scratch, "little"), sizeBytes: 2000 }];
    for (const threads of [0, 1])
      await expect(compress({ kind: "gzip", level: 6 }, { threads }, short)).rejects.toMatchObject({
        code: "UNEXPECTED_END_OF_FILE",
      });
    const none = [{ path: join(scratch, "nowhere"), sizeBytes: 5 }];
    await expect(compress({ kind: "zstd", level: 3 }, { threads: 0 }, none)).rejects.toMatchObject({
      code: "SYSTEM_CALL_FAILED",
    });
  });
});

describe("joinCrc32", () => {
  it("gives the CRC-32 of two pieces from those of each", () => {
    const random = new Seeded(10);
    for (let n = 0; n < 50; n++) {
      const [a, b] = [random.bytes(random.below(3000)), random.bytes(random.below(3000))];
      expect(joinCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])));
    }
  });
});
