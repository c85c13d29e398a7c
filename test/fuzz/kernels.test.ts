import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { writeErofs } from "../../src/kernels/erofs.ts";
import { buildLayerIndex, mergeChain } from "../../src/kernels/layer.ts";
import { TarScanner } from "../../src/kernels/tar-scan.ts";
import { treeItems } from "../../src/kernels/tar-write.ts";
import { ZstdDecoder } from "../../src/kernels/zstd.ts";
import { LayerIndex } from "../../src/layer/layer-index.ts";
import type { Random } from "../oracles/random.ts";
import { missing } from "../tools/gantry.ts";
import { ODD_LAYERS } from "../suites/odd-layers.ts";
import { buildTar, opaque, whiteout } from "../suites/tar-builder.ts";
import { altered, outcome, outcomeAsync, timeBoxed, TIMEOUT_MS } from "./time-boxed.ts";

const LAYER = buildTar([
  { path: "dir/", type: "dir", mode: 0o700 },
  { path: "dir/file", type: "file", data: "x".repeat(5000), xattrs: [["user.a", "b"]] },
  { path: "dir/hard", type: "hardlink", target: "dir/file" },
  { path: "link", type: "link", target: "dir/file" },
  { path: "dev", type: "char", rdev: [1, 3] },
  {
    path: "sparse",
    type: "file",
    data: "abcd",
    sparse: {
      size: 200 * 2 ** 20,
      extents: [
        { fileOffset: 0, bytes: 2 },
        { fileOffset: 100_000_000, bytes: 2 },
      ],
    },
  },
  whiteout("gone"),
  opaque("dir"),
]);

function indexOf(tar: Uint8Array): Uint8Array {
  const scanner = new TarScanner();
  scanner.push(tar);
  return buildLayerIndex(scanner.finish().records);
}

/** The index with some of its words changed. */
function damaged(index: Uint8Array, random: Random): Buffer {
  const b = Buffer.from(index);
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const value = random.pick([0, 1, 2, 7, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, random.below(500)]);
    if (random.chance(60)) b.writeUInt32LE(value, random.below(b.length / 4) * 4);
    else b[random.below(b.length)] = random.below(256);
  }
  return b;
}

const uuid = Buffer.alloc(16, 7);

it(
  "no damaged index makes the EROFS or the tar writer crash, hang or lead outside",
  { timeout: TIMEOUT_MS },
  async () => {
    const merged = mergeChain([indexOf(LAYER)]);
    const devices = [{ bytes: LAYER.length }];
    let refused = 0;
    await timeBoxed((random) => {
      const index = damaged(merged, random);
      const image = outcome(() => writeErofs(index, devices, { uuid }));
      if (typeof image === "string") refused++;
      else {
        for (const { sourceOffset, bytes, spillOffset } of image.copies) {
          expect(sourceOffset + bytes).toBeLessThanOrEqual(LAYER.length);
          expect(spillOffset + bytes).toBeLessThanOrEqual(image.spillBytes);
        }
      }
      outcome(() => {
        let items = 0;
        for (const { headers } of treeItems(new LayerIndex(index).bytes)) {
          expect(headers.length % 512).toBe(0);
          if (++items > 1000) throw new Error("the walk does not end");
        }
        return items;
      });
    });
    expect(refused).toBeGreaterThan(0);
  },
);

it("altered layers in chains are merged or refused", { timeout: TIMEOUT_MS }, async () => {
  const seeds = [LAYER, ...Object.values(ODD_LAYERS).flatMap((layers) => layers.map(({ tar }) => tar))];
  await timeBoxed((random) => {
    const chain = [0, 1, 2].map(() => {
      const tar = random.pick(seeds);
      return outcome(() => indexOf(random.chance(50) ? tar : altered(tar, random)));
    });
    const good = chain.filter((index) => typeof index !== "string");
    if (good.length === 0) return;
    const merged = outcome(() => mergeChain(good));
    if (typeof merged === "string") return;
    // What a merge gives, everything that reads it takes.
    const devices = good.map(() => ({ bytes: 2 ** 33 }));
    const image = outcome(() => writeErofs(merged, devices, { uuid }));
    if (typeof image === "string") expect(image).toMatch(/^EROFS_UNREPRESENTABLE/);
    for (const { headers } of treeItems(new LayerIndex(merged).bytes)) expect(headers.length).toBeGreaterThan(0);
  });
});

const noZstd = missing({ tools: ["zstd"] });

it.skipIf(noZstd)(
  "no altered zstd stream crashes the decoder, or gives other bytes by other cuts",
  { timeout: TIMEOUT_MS },
  async () => {
    const plain = Buffer.concat([LAYER, Buffer.from("text ".repeat(20_000)), Buffer.alloc(300_000)]);
    const streams = [["-1"], ["-19", "--long=20"], ["--no-check"], ["-5", "--no-compress-literals"]].map(
      (args) => spawnSync("zstd", ["-c", ...args], { input: plain, maxBuffer: 1 << 30 }).stdout,
    );
    const decode = (stream: Uint8Array, piece: number): Promise<string> =>
      outcomeAsync(async () => {
        const decoder = await ZstdDecoder.create();
        const output: Buffer[] = [];
        let bytes = 0;
        for (let at = 0; at < stream.length; at += piece) {
          decoder.push(stream.subarray(at, at + piece), (part) => {
            bytes += part.length;
            if (bytes > 64 * 2 ** 20) throw new Error("a bomb");
            output.push(Buffer.from(part));
          });
        }
        decoder.finish();
        return Buffer.concat(output).toString("latin1");
      }).then((result) => result.replace(/\(after .*/, ""));
    expect(await decode(streams[0]!, 1000)).toBe(plain.toString("latin1"));
    let refused = 0;
    await timeBoxed(async (random) => {
      const stream = altered(random.pick(streams), random);
      const whole = await decode(stream, stream.length);
      if (/^ZSTD_/.test(whole)) refused++;
      const pieces = await decode(stream, 1 + random.below(5000));
      expect(/^ZSTD_/.test(pieces)).toBe(/^ZSTD_/.test(whole));
      if (!/^ZSTD_/.test(whole)) expect(pieces === whole).toBe(true);
    });
    expect(refused).toBeGreaterThan(0);
  },
);
