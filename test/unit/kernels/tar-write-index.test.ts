import { describe, expect, it } from "vitest";
import { buildLayerIndex } from "../../../src/kernels/layer.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { END_OF_ARCHIVE, treeItems } from "../../../src/kernels/tar-write.ts";
import {
  ENTRY_CHAR,
  ENTRY_DIRECTORY,
  ENTRY_HARDLINK,
  ENTRY_REGULAR,
  ENTRY_SYMLINK,
} from "../../../src/layer/format.ts";
import { encodeRecords, type EntryRecord, record } from "../../oracles/entry-records.ts";
import { Random } from "../../oracles/random.ts";

const MIB = 1 << 20;
const RECORD_WHITEOUT = 1;
const RECORD_OPAQUE = 2;

/** Extents as a walk finds them: none, blocks of 4 KiB with holes in between, or one hole that is all of the file. */
function extentsOf(random: Random, size: number): [number, number][] {
  if (size < 4096 || random.chance(50)) return [];
  if (random.chance(20)) return [[size, 0]];
  const extents: [number, number][] = [];
  for (let at = random.below(3) * 4096; at < size && extents.length < 40;) {
    const bytes = Math.min(4096 * (1 + random.below(20)), size - at);
    extents.push([at, bytes]);
    at += bytes + 4096 * (1 + random.below(random.pick([4, 40, 40_000])));
  }
  return extents.length === 1 && extents[0]![1] === size ? [] : extents;
}

/** The records of a walk of an upper directory: depth first, names sorted, inode numbers for data offsets. */
function randomWalk(random: Random): EntryRecord[] {
  const records: EntryRecord[] = [];
  const files: EntryRecord[] = [];
  const visit = (prefix: string, depth: number): void => {
    const names = new Set(
      Array.from({ length: random.below(9) }, () =>
        random.pick(["a", "b", "caf\xc3\xa9", "\xff", "n".repeat(120), `f${random.below(40)}`]),
      ),
    );
    for (const name of [...names].sort()) {
      const path = prefix + name;
      const common = {
        mode: random.below(0o10000),
        uid: random.pick([0, 1000, 0o10000000]),
        gid: random.pick([0, 1000]),
        mtime: [random.pick([0, -5, 1.7e9, 2 ** 35]), random.pick([0, 120_000_000])] as [number, number],
        dataOffset: 1_000_000 + records.length,
        linkCount: 1,
        xattrs: ["security.capability", "user.a", "user.b=c"]
          .filter(() => random.chance(10))
          .map((key): [string, string] => [key, random.pick(["", "v\0\n="])]),
      };
      const kind = random.below(10);
      if (kind < 3 && depth < 5) {
        const flags = random.chance(15) ? RECORD_OPAQUE : 0;
        records.push(record(ENTRY_DIRECTORY, path, { ...common, flags }));
        visit(`${path}/`, depth + 1);
      } else if (kind === 3) {
        records.push(record(ENTRY_CHAR, path, { flags: RECORD_WHITEOUT, dataOffset: common.dataOffset }));
      } else if (kind === 4) {
        records.push(record(ENTRY_SYMLINK, path, { ...common, link: random.pick(["t", "t".repeat(200), "\xff"]) }));
      } else if (kind === 5) {
        records.push(record(ENTRY_CHAR, path, { ...common, rdev: [1, 3] }));
      } else if (kind === 6 && files.length > 0) {
        const first = random.pick(files);
        records.push({ ...first, type: ENTRY_HARDLINK, path, link: first.path, size: 0, storedBytes: 0, extents: [] });
      } else {
        const size = random.pick([0, 1, 511, 512, 513, 70_000, 10 * MIB, 64 * MIB, 80 * MIB, 9 * 1024 * MIB]);
        const extents = extentsOf(random, size);
        const storedBytes = extents.length === 0 ? size : extents.reduce((sum, [, bytes]) => sum + bytes, 0);
        const file = record(ENTRY_REGULAR, path, { ...common, size, extents, storedBytes });
        records.push(file);
        files.push(file);
      }
    }
  };
  visit("", 0);
  return records;
}

describe.each(["scalar", "simd"] as const)("the tar writer (%s)", (build) => {
  it("knows the index of what it wrote: that which a scan of the tar gives, byte for byte", () => {
    const random = new Random(11);
    let sparse = 0;
    for (let round = 0; round < 300; round++) {
      const tree = buildLayerIndex(encodeRecords(randomWalk(random)), { build });
      const scanner = new TarScanner({}, { build });
      let written: Uint8Array | undefined;
      for (const { headers, data } of treeItems(tree, { build, onIndex: (index) => (written = index) })) {
        scanner.push(headers);
        if (data !== undefined) scanner.skipData(scanner.skippableBytes);
        if (data?.ranges !== undefined) sparse++;
      }
      scanner.push(END_OF_ARCHIVE);
      const scanned = buildLayerIndex(scanner.finish().records, { build });
      expect(Buffer.from(written ?? []).equals(scanned), `round ${round}`).toBe(true);
    }
    expect(sparse).toBeGreaterThan(20);
  });
});
