import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { SILENT_REPORTER } from "../../src/events/progress.ts";
import type { Digest } from "../../src/image/types.ts";
import type { SnapshotDriver, Snapshotter } from "../../src/snapshot/snapshotter.ts";
import type { Store } from "../../src/store/store.ts";
import { ChainBench } from "./chain-store.ts";
import { expectedTree, type SeenRow } from "./expected-tree.ts";
import { opaque, type TarMember, whiteout } from "./tar-builder.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../shared/fixtures");

export interface SnapshotterUnderTest {
  driver: SnapshotDriver;
  open: (store: Store) => Snapshotter;
  /** Why it cannot run on this machine. */
  skip: string | undefined;
}

/** What every driver promises: the same tree, whatever the layers do to each other; idempotent; safe in parallel. */
export function snapshotterSuite({ driver, open, skip }: SnapshotterUnderTest): void {
  describe.skipIf(skip !== undefined)(
    `the ${driver} snapshotter${skip === undefined ? "" : ` (skipped: ${skip})`}`,
    () => {
      let bench: ChainBench;
      let snapshotter: Snapshotter;
      beforeAll(() => {
        bench = new ChainBench();
        snapshotter = open(bench.store);
      });
      afterAll(() => bench.dispose());

      const prepare = (diffIds: Digest[]) => snapshotter.prepare(diffIds, SILENT_REPORTER);
      const show = async (layers: TarMember[][], overlay = false): Promise<SeenRow[]> =>
        bench.see(await prepare(await bench.addLayers(layers)), { overlay });

      for (const [name, layers] of Object.entries(CHAINS)) {
        it(`shows ${name}`, async () => {
          expect(await show(layers)).toEqual(expectedTree(layers));
        });
      }

      it("shows the same through an overlay, as containers see it", async () => {
        const layers = Object.values(CHAINS)[0]!;
        // "/" has the time of the upper directory. Overlay gives some inode numbers of its own.
        const comparable = ({ i: _i, m, ...row }: SeenRow): object => (row.p === "" ? row : { ...row, m });
        expect((await show(layers, true)).map(comparable)).toEqual(expectedTree(layers).map(comparable));
      });

      it("shows an empty directory for an image without layers", async () => {
        const plan = await prepare([]);
        expect(plan).toEqual({ type: "empty" });
        expect(bench.see(plan).map(({ p, t, mode }) => ({ p, t, mode }))).toEqual([{ p: "", t: "d", mode: 0o755 }]);
      });

      it("shows 140 layers, each with a file of its own and one rewritten by all", async () => {
        const layers = Array.from({ length: 140 }, (_, i): TarMember[] => [
          { path: `file${i}`, type: "file", data: `${i}` },
          { path: "latest", type: "file", data: `written by ${i}`, mtime: i },
          ...(i % 10 === 5 ? [whiteout(`file${i - 1}`)] : []),
        ]);
        expect(await show(layers)).toEqual(expectedTree(layers));
      });

      it("shows a chain that has the same layer twice", async () => {
        const layer: TarMember[] = [{ path: "again", type: "file", data: "x".repeat(5000) }];
        const layers = [layer, [whiteout("again")], layer];
        expect(await show(layers)).toEqual(expectedTree(layers));
      });

      it("shows a file of a terabyte that is all hole but for three places, at no cost", async () => {
        const size = 1_000_000_000_000;
        const extents = [
          { fileOffset: 4096, bytes: 4096 },
          { fileOffset: 500_000_000_001, bytes: 3 },
          { fileOffset: size - 1000, bytes: 1000 },
        ];
        const data = Buffer.concat([Buffer.alloc(4096, 1), Buffer.alloc(3, 2), Buffer.alloc(1000, 3)]);
        const layers: TarMember[][] = [[{ path: "huge", type: "file", data, sparse: { size, extents } }]];
        const plan = await prepare(await bench.addLayers(layers));
        const probes: [number, number][] = [
          [0, 16384],
          [499_999_999_000, 4096],
          [size - 4096, 4096],
        ];
        const want = Buffer.alloc(16384 + 8192);
        want.fill(1, 4096, 8192);
        want.fill(2, 16384 + 1001, 16384 + 1004);
        want.fill(3, 16384 + 4096 + 3096);
        const hash = createHash("sha256").update(want).digest("hex");
        expect(bench.see(plan, { probes })).toMatchObject([{}, { p: "huge", s: size, h: hash }]);
        expect(diskBytes(bench.store.layout.chainsDir())).toBeLessThan(8 << 20);
      });

      it("gives one plan to all who ask at once, and makes nothing again that is there", async () => {
        const diffIds = await bench.addLayers([[{ path: "parallel", type: "file", data: "1" }], [whiteout("none")]]);
        const plans = await Promise.all(
          Array.from({ length: 6 }, () => open(bench.store).prepare(diffIds, SILENT_REPORTER)),
        );
        expect(new Set(plans.map((plan) => JSON.stringify(plan))).size).toBe(1);
        const chains = bench.store.layout.chainsDir();
        const state = (): string[] =>
          readdirSync(chains).map(
            (name) => `${name} ${statSync(join(chains, name)).ino} ${statSync(join(chains, name)).mtimeMs}`,
          );
        const before = state();
        expect(await prepare(diffIds)).toEqual(plans[0]);
        expect(state()).toEqual(before);
        expect(readdirSync(bench.store.layout.tmpDir())).toEqual([]);
      });

      it("names the layer that is missing, and leaves nothing behind", async () => {
        const known = await bench.addLayers([[{ path: "known", type: "file" }]]);
        const before = readdirSync(bench.store.layout.chainsDir());
        const missing: Digest = `sha256:${"0".repeat(64)}`;
        const error = await prepare([...known, missing]).catch((reason: unknown) => reason);
        expect(isGantryError(error, "LAYER_MISSING") && error.message).toContain(missing);
        expect(readdirSync(bench.store.layout.chainsDir())).toEqual(before);
        expect(readdirSync(bench.store.layout.tmpDir())).toEqual([]);
      });

      it.skipIf(!existsSync(FIXTURES))("shows the odd image as docker export shows it", async () => {
        const outer = join(bench.path, "odd");
        mkdirSync(outer);
        execFileSync("tar", ["-xf", join(FIXTURES, "odd-docker20.tar"), "-C", outer]);
        const [manifest] = JSON.parse(readFileSync(join(outer, "manifest.json"), "utf8")) as [{ Layers: string[] }];
        const diffIds: Digest[] = [];
        for (const layer of manifest.Layers) diffIds.push(await bench.addTar(readFileSync(join(outer, layer))));
        const wanted = readFileSync(join(FIXTURES, "odd.tree.jsonl"), "utf8").trimEnd().split("\n");
        const seen = bench.see(await prepare(diffIds)).flatMap(asFixture);
        expect(seen).toEqual(wanted.map((line) => JSON.parse(line) as object));
      });
    },
  );
}

function diskBytes(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).blocks * 512, 0);
}

/** A row as the shared fixtures have it: no hard links, whole seconds of files only, no paths that engines make. */
function asFixture(row: SeenRow): object[] {
  if (["", "etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv"].includes(row.p)) return [];
  if (["dev", "proc", "sys"].includes(row.p.split("/")[0]!)) return [];
  const { n: _n, i: _i, m, mode, ...rest } = row;
  return [
    {
      ...rest,
      ...(row.t === "f" ? { m: Number(BigInt(m) / 1_000_000_000n) } : {}),
      ...(row.t === "l" ? {} : { mode }),
    },
  ];
}

const ACL = Buffer.from(
  "0200000001000700ffffffff02000500e803000004000500ffffffff10000700ffffffff20000500ffffffff",
  "hex",
);
const CAPABILITY_V2 = Buffer.from("0100000200200000000000000000000000000000", "hex");
const CAPABILITY_V3 = Buffer.from("010000030020000000000000000000000000000040420f00", "hex");

/** Chains whose layers describe all their directories. */
const CHAINS: Record<string, TarMember[][]> = {
  "every kind of file and attribute": [
    [
      { path: "./", type: "dir", mode: 0o711, uid: 5, gid: 6, mtime: [1_600_000_000, 123_456_789] },
      { path: "d", type: "dir", mode: 0o3777, uid: 3_000_000_000, gid: 4_000_000_000, mtime: [-1, 999_999_999] },
      { path: "d/setuid", type: "file", mode: 0o6755, uid: 65_536, gid: 2_097_152, data: "#!", mtime: [1, 1] },
      { path: "d/old", type: "file", data: "before 1970", mtime: [-100_000, 250_000_000] },
      { path: "d/none", type: "file", mode: 0, data: "" },
      { path: "d/fifo", type: "fifo", mode: 0o600 },
      { path: "d/tty", type: "char", rdev: [5, 0], mode: 0o620, gid: 5 },
      { path: "d/sda", type: "block", rdev: [259, 70_000], mode: 0o660 },
      { path: "d/link", type: "link", target: "../a/b", uid: 7, gid: 8, mtime: [3, 4] },
      { path: "d/\xff\x80 \x01\n'\"\\", type: "file", data: "not UTF-8" },
      { path: "d/\xc3\xa9", type: "link", target: "\xfe\xff" },
      { path: `d/${"n".repeat(255)}`, type: "file", data: "n" },
      { path: `d/${"m".repeat(255)}`, type: "dir" },
      { path: `d/${"m".repeat(255)}/${"\xe9".repeat(255)}`, type: "file", data: "m" },
      { path: "d/l600", type: "link", target: "x/".repeat(300) },
      { path: "d/l4095", type: "link", target: "y".repeat(4095) },
      { path: "d/l511", type: "link", target: "z".repeat(511) },
      { path: "d/l512", type: "link", target: "z".repeat(512) },
    ],
  ],
  "extended attributes": [
    [
      { path: "x", type: "dir", xattrs: [["system.posix_acl_default", ACL]] },
      {
        path: "x/many",
        type: "file",
        data: "m",
        mode: 0o675,
        xattrs: [
          ["user.one", "1"],
          ["user.empty", ""],
          [`user.${"k".repeat(200)}`, Buffer.from([0, 1, 2, 255])],
          ["trusted.t", "t"],
          ["security.capability", CAPABILITY_V2],
        ],
      },
      { path: "x/rooted", type: "file", data: "", xattrs: [["security.capability", CAPABILITY_V3]] },
      {
        path: "x/dir",
        type: "dir",
        xattrs: [
          ["user.dir", "d"],
          ["trusted.d", "t"],
        ],
      },
      { path: "x/link", type: "link", target: "many", xattrs: [["trusted.l", "l"]] },
    ],
  ],
  "no attribute that a file cannot carry or that would direct an overlay": [
    [
      {
        path: "d",
        type: "dir",
        xattrs: [
          ["trusted.overlay.opaque", "y"],
          ["user.kept", "1"],
        ],
      },
      {
        path: "d/f",
        type: "file",
        data: "f",
        xattrs: [
          ["trusted.overlay.metacopy", ""],
          ["other.space", "x"],
        ],
      },
      { path: "d/l", type: "link", target: "f", xattrs: [["user.not-on-links", "x"]] },
      {
        path: "d/p",
        type: "fifo",
        xattrs: [
          ["user.not-on-pipes", "x"],
          ["security.kept", "1"],
        ],
      },
      { path: "d/g", type: "file", data: "g", xattrs: [["system.posix_acl_default", ACL]] },
    ],
  ],
  "whiteouts, opaque directories and changes of type": [
    [
      { path: "a", type: "dir", mode: 0o700 },
      { path: "a/one", type: "file", data: "1" },
      { path: "a/two", type: "file", data: "2" },
      { path: "a/sub", type: "dir" },
      { path: "a/sub/deep", type: "file", data: "d" },
      { path: "file-to-dir", type: "file", data: "f" },
      { path: "dir-to-file", type: "dir" },
      { path: "dir-to-file/x", type: "file", data: "x" },
      { path: "dir-to-link", type: "dir" },
      { path: "dir-to-link/y", type: "file", data: "y" },
      { path: "link-to-dir", type: "link", target: "a" },
      { path: "o", type: "dir" },
      { path: "o/hidden", type: "file", data: "h" },
      { path: "o/rewritten", type: "file", data: "r1" },
      { path: "gone", type: "dir" },
      { path: "gone/x", type: "file", data: "x" },
    ],
    [
      { path: "a", type: "dir", mode: 0o755, mtime: 5 },
      whiteout("a/one"),
      { path: "a/three", type: "file", data: "3" },
      whiteout("a/sub"),
      { path: "file-to-dir", type: "dir" },
      { path: "file-to-dir/z", type: "file", data: "z" },
      { path: "dir-to-file", type: "file", data: "now" },
      { path: "dir-to-link", type: "link", target: "a" },
      { path: "link-to-dir", type: "dir" },
      { path: "link-to-dir/w", type: "file", data: "w" },
      { path: "o", type: "dir" },
      opaque("o"),
      { path: "o/rewritten", type: "file", data: "r2" },
      whiteout("gone"),
    ],
    [
      { path: "a", type: "dir", mode: 0o755, mtime: 6 },
      { path: "a/sub", type: "dir", mode: 0o711 },
      { path: "a/sub/fresh", type: "file", data: "f" },
      whiteout("a/never-was"),
      { path: "gone", type: "dir", mode: 0o750 },
      { path: "o", type: "dir" },
      { path: "o/third", type: "file", data: "3" },
    ],
  ],
  "hard links within and across layers": [
    [
      { path: "h", type: "dir" },
      { path: "h/first", type: "file", data: "shared", mode: 0o640, xattrs: [["user.h", "1"]] },
      { path: "h/second", type: "hardlink", target: "h/first" },
      { path: "h/pipe", type: "fifo" },
      { path: "h/pipe2", type: "hardlink", target: "h/pipe" },
      { path: "h/sym", type: "link", target: "first" },
      { path: "h/sym2", type: "hardlink", target: "h/sym" },
    ],
    [
      { path: "h", type: "dir" },
      { path: "h/third", type: "hardlink", target: "h/first" },
      { path: "other", type: "dir" },
      { path: "other/fourth", type: "hardlink", target: "h/second" },
    ],
    [{ path: "h", type: "dir" }, whiteout("h/first"), { path: "h/second", type: "file", data: "on its own" }],
  ],
  "sizes around blocks and pages": [
    [511, 512, 513, 4095, 4096, 4097, 1, 8192, 100_000, 1_048_576, 3_000_001].map((size) => ({
      path: `s${size}`,
      type: "file",
      data: Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + size) & 0xff)),
    })),
  ],
  "sparse files": [
    [
      sparse("block-aligned", 1_000_000, [
        [4096, 8192],
        [65_536, 512],
        [999_936, 64],
      ]),
      sparse("odd", 100_000, [
        [1, 1],
        [3, 700],
        [5000, 1],
        [99_999, 1],
      ]),
      sparse("end-not-at-block", 10_000, [[512, 700]]),
      sparse("data-then-hole", 5_000_000, [[0, 4096]]),
      sparse("hole-then-data", 5_000_000, [[4_999_000, 1000]]),
      sparse("all-hole", 3_000_001, [[3_000_001, 0]]),
      sparse("not-really", 2048, [[0, 2048]]),
      sparse(
        "comb",
        40 * 8192,
        Array.from({ length: 40 }, (_, i): [number, number] => [i * 8192, 4096]),
      ),
      sparse(
        "odd-comb",
        60 * 8191 + 17,
        Array.from({ length: 60 }, (_, i): [number, number] => [i * 8191 + 17, 100]),
      ),
    ],
    [{ path: "above", type: "file", data: "keeps the spill file from being the only device" }],
  ],
  "names around dots and in great number": [
    [
      { path: "names", type: "dir" },
      ...["!", "-", "-.", ".-", "..-", "...", ".a", "..a", ".\x01", "a", "~", "\xff", "0"].map((name): TarMember => ({
        path: `names/${name}`,
        type: "file",
        data: name,
      })),
      { path: "big", type: "dir" },
      ...Array.from({ length: 3000 }, (_, i): TarMember => ({
        path: `big/${i.toString(7)}${"-".repeat(i % 97)}`,
        type: "file",
      })),
    ],
  ],
};

function sparse(path: string, size: number, runs: [number, number][]): TarMember {
  const extents = runs.map(([fileOffset, bytes]) => ({ fileOffset, bytes }));
  const bytes = runs.reduce((sum, [, length]) => sum + length, 0);
  const data = Buffer.from(Array.from({ length: bytes }, (_, i) => 1 + (i % 251)));
  return { path, type: "file", data, sparse: { size, extents } };
}
