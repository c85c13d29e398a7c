import { existsSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { SILENT_REPORTER } from "../../src/events/progress.ts";
import type { Digest } from "../../src/image/types.ts";
import { writeErofs } from "../../src/kernels/erofs.ts";
import { chainId } from "../../src/layer/chain-id.ts";
import { chainIndex } from "../../src/snapshot/chain-index.ts";
import { chooseDriver, driverFacts } from "../../src/snapshot/choose-driver.ts";
import { ErofsSnapshotter } from "../../src/snapshot/erofs-snapshotter.ts";
import type { LowerPlan } from "../../src/snapshot/snapshotter.ts";
import { ChainBench, obstacle } from "../suites/chain-store.ts";
import { expectedTree } from "../suites/expected-tree.ts";
import { buildTar, type TarMember } from "../suites/tar-builder.ts";
import { buildIndex, type TreeEntry } from "../unit/layer/index-builder.ts";

const skip =
  chooseDriver(undefined, driverFacts()).driver === "erofs" ? obstacle() : "needs a kernel that mounts EROFS files";

describe.skipIf(skip !== undefined)(
  `EROFS images in the kernel${skip === undefined ? "" : ` (skipped: ${skip})`}`,
  () => {
    let bench: ChainBench;
    beforeAll(() => {
      bench = new ChainBench();
    });
    afterAll(() => bench.dispose());

    const mountable = (entries: TreeEntry[]): LowerPlan => {
      const devices = [join(bench.path, "device")];
      writeFileSync(devices[0]!, "");
      const image = join(bench.path, "image");
      const index = buildIndex(entries, { merged: true });
      writeFileSync(image, writeErofs(index, [{ bytes: 0 }], { uuid: new Uint8Array(16) }).bytes);
      return { type: "erofs", image, devices };
    };

    it("lists and finds 30,000 names in one directory", () => {
      const entries = Array.from({ length: 30_000 }, (_, i): TreeEntry => ({
        path: `d/${"n".repeat(i % 200)}${i}`,
        type: i % 2 === 0 ? "fifo" : "file",
      }));
      const names = bench.see(mountable(entries)).map((row) => row.p);
      expect(names).toEqual(["", "d", ...entries.map((entry) => entry.path).sort()]);
    });

    it("gives back extended attributes up to 65,535 bytes, and 256 KiB of them", () => {
      const xattrs: [string, string][] = [1, 4095, 4096, 65_535, 65_535, 65_535, 40_000].map((n, i) => [
        `user.x${i}`,
        String.fromCharCode(97 + i).repeat(n),
      ]);
      const [, row] = bench.see(mountable([{ path: "f", type: "file", xattrs }]));
      const seen = Object.entries(row!.x!).map(([name, hex]) => [name, Buffer.from(hex, "hex").toString()]);
      expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(xattrs));
    });

    it("opens directories 1,000 deep", () => {
      const path = Array.from({ length: 1000 }, () => "d").join("/");
      expect(bench.see(mountable([{ path, type: "dir" }])).at(-1)!.p).toBe(path);
    });

    const layers: TarMember[][] = [
      [
        { path: "plain", type: "file", data: "p".repeat(9000) },
        {
          path: "spilled",
          type: "file",
          data: "0123456789",
          sparse: { size: 50_000, extents: [{ fileOffset: 4321, bytes: 10 }] },
        },
      ],
    ];

    it.each<[string, (paths: { image: string; spill: string; index: string }) => void]>([
      ["the image is cut off", ({ image }) => truncateSync(image, statSync(image).size - 512)],
      ["the image is empty", ({ image }) => truncateSync(image, 0)],
      ["the image is another chain's", ({ image }) => flip(image, 1024 + 48)],
      ["the spill file is gone", ({ spill }) => rmSync(spill)],
      ["the spill file is cut off", ({ spill }) => truncateSync(spill, 512)],
      [
        "the index is cut off",
        ({ image, index }) => {
          truncateSync(index, 200);
          rmSync(image);
        },
      ],
      [
        "the index is gone",
        ({ image, index }) => {
          rmSync(index);
          rmSync(image);
        },
      ],
    ])("are made again if %s", async (_, damage) => {
      const diffIds = await bench.addLayers(layers);
      const chain = chainId(diffIds)!;
      const { layout } = bench.store;
      const snapshotter = new ErofsSnapshotter(bench.store, "erofs");
      const plan = await snapshotter.prepare(diffIds, SILENT_REPORTER);
      const paths = {
        image: layout.chainErofs(chain),
        spill: layout.chainSpill(chain),
        index: layout.chainIndex(chain),
      };
      expect(plan).toEqual({ type: "erofs", image: paths.image, devices: [layout.layerTar(diffIds[0]!), paths.spill] });
      const whole = Object.values(paths).map((path) => readFileSync(path));
      damage(paths);
      expect(await snapshotter.prepare(diffIds, SILENT_REPORTER)).toEqual(plan);
      expect(Object.values(paths).map((path) => readFileSync(path))).toEqual(whole);
      expect(bench.see(plan)).toEqual(expectedTree(layers));
    });

    it("are not made, and leave nothing, for a layer whose tar is cut off", async () => {
      const tar = buildTar([{ path: "long", type: "file", data: "x".repeat(5000) }]);
      const diffIds = [await bench.addTar(tar)];
      truncateSync(bench.store.layout.layerTar(diffIds[0]!), 2048);
      const before = readdirSync(bench.store.layout.chainsDir());
      const error = await new ErofsSnapshotter(bench.store, "erofs")
        .prepare(diffIds, SILENT_REPORTER)
        .catch((reason: unknown) => reason);
      expect(isGantryError(error, "LAYER_INDEX_INVALID") && error.message).toContain('"/long"');
      expect(readdirSync(bench.store.layout.chainsDir())).toEqual(before);
      expect(readdirSync(bench.store.layout.tmpDir())).toEqual([]);
    });

    it("stop when cancelled while data is copied, and leave nothing", async () => {
      const data = Buffer.alloc(20 << 20, 1);
      const size = (40 << 20) + 1;
      const member: TarMember = {
        path: "s",
        type: "file",
        data,
        sparse: { size, extents: [{ fileOffset: 1, bytes: data.length }] },
      };
      const diffIds: Digest[] = await bench.addLayers([[member]]);
      const reporter = { emit: () => undefined, signal: AbortSignal.abort() };
      const error = await new ErofsSnapshotter(bench.store, "erofs")
        .prepare(diffIds, reporter)
        .catch((reason: unknown) => reason);
      expect(isGantryError(error, "CANCELLED")).toBe(true);
      expect(existsSync(bench.store.layout.chainErofs(chainId(diffIds)!))).toBe(false);
      expect(readdirSync(bench.store.layout.tmpDir())).toEqual([]);
    });

    it("share their chain's index with other users of it", async () => {
      const diffIds = await bench.addLayers([[{ path: "one", type: "file", data: "1" }]]);
      const made = await chainIndex(bench.store, diffIds);
      const file = bench.store.layout.chainIndex(chainId(diffIds)!);
      const { ino } = statSync(file);
      await new ErofsSnapshotter(bench.store, "erofs").prepare(diffIds, SILENT_REPORTER);
      expect(statSync(file).ino).toBe(ino);
      expect(Buffer.compare(await chainIndex(bench.store, diffIds), made)).toBe(0);
    });
  },
);

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}
