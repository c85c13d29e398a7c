import { describe, expect, it } from "vitest";
import { buildLayerIndex, mergeChain, mergeLayerIndexes } from "../../../src/kernels/layer.ts";
import { isGantryError } from "../../../src/errors/index.ts";
import { comparableIndex, comparableTree } from "../../oracles/compare-index.ts";
import { decodeIndex } from "../../oracles/decode-index.ts";
import { encodeRecords, type EntryRecord, record } from "../../oracles/entry-records.ts";
import { layerTree, mergedTree, type OracleNode, Refused } from "../../oracles/layer-tree.ts";
import { Random } from "../../oracles/random.ts";

const NAMES = ["a", "b", "c", "ab", "a-name-longer-than-eight", "a-name-longer-than-nine", "\xff\xfe", "z"];

function randomPath(random: Random): string {
  const components: string[] = [];
  for (let depth = 1 + random.below(4); depth > 0; depth--) components.push(random.pick(NAMES));
  const last = components.length - 1;
  if (random.chance(12)) components[last] = `.wh.${components[last]!}`;
  else if (random.chance(5)) components[last] = ".wh..wh..opq";
  else if (random.chance(2)) components.unshift(".wh..wh.plnk");
  else if (random.chance(1)) components[0] = random.pick(["..", ".wh.", "x".repeat(256), ".wh.a"]);
  return random.pick(["", "", "./", "/", ".//"]) + components.join(random.chance(5) ? "/./" : "/");
}

function randomRecord(random: Random, earlier: readonly EntryRecord[]): EntryRecord {
  const type = random.pick([0, 0, 0, 0, 5, 5, 5, 5, 2, 1, 1, 3, 4, 6]);
  const size = type === 0 ? random.below(3000) : 0;
  const linkTo = random.pick(["any/where", "..", "/", "./", "/a", "../b", "a/../c", random.pick(NAMES), "z/..//./a/"]);
  return record(type, random.chance(1) ? "./" : randomPath(random) + (type === 5 ? "/" : ""), {
    flags: random.chance(2) ? 1 + random.below(2) : 0,
    mode: random.below(0o10000),
    uid: random.below(2 ** 32),
    gid: random.below(2 ** 32),
    rdev: type === 3 || type === 4 ? [random.below(3), random.below(3)] : [0, 0],
    mtime: [random.below(2 ** 32) - 2 ** 31, random.below(1e9)],
    link:
      type === 2
        ? linkTo
        : type === 1
          ? random.chance(70) && earlier.length > 0
            ? random.pick(earlier).path
            : randomPath(random)
          : "",
    xattrs: random.chance(10)
      ? [
          ["trusted.overlay.opaque", "y"],
          ["user.x", "value\0"],
        ]
      : [],
    size,
    storedBytes: size,
    dataOffset: type === 0 ? random.below(2 ** 40) * 512 : 0,
    extents:
      type === 0 && random.chance(5)
        ? [
            [512, 512],
            [2048, 1],
          ]
        : [],
    linkCount: type !== 5 && type !== 1 && random.chance(3) ? 2 : 0,
  });
}

function randomLayer(random: Random, entries: number): EntryRecord[] {
  const records: EntryRecord[] = [];
  for (let i = 0; i < entries; i++) records.push(randomRecord(random, records));
  return records;
}

/** What a call gives: its value, or the code of its refusal. */
function outcome<T>(call: () => T): { value: T } | { code: string } {
  try {
    return { value: call() };
  } catch (error) {
    if (error instanceof Refused) return { code: error.code };
    if (isGantryError(error)) return { code: error.code };
    throw error;
  }
}

/** A layer without the entries that would be refused, so that long ones are accepted too. */
function acceptable(records: readonly EntryRecord[]): EntryRecord[] {
  const kept: EntryRecord[] = [];
  for (const r of records) if ("value" in outcome(() => layerTree([...kept, r]))) kept.push(r);
  return kept;
}

describe.each(["scalar", "simd"] as const)("the layer kernel (%s)", (build) => {
  it("builds what the oracle builds, or refuses for the same reason, of 1,000 random layers", () => {
    let accepted = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(seed);
      const records = randomLayer(random, 1 + random.below(10));
      const expected = outcome(() => comparableTree(layerTree(records), false));
      const actual = outcome(() => comparableIndex(decodeIndex(buildLayerIndex(encodeRecords(records), { build }))));
      expect(actual, `seed ${seed}`).toEqual(expected);
      if ("value" in actual) accepted++;
    }
    expect(accepted).toBeGreaterThan(300);
  });

  it("merges what the oracle merges, whatever the chain's length", () => {
    let merged = 0;
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(seed + 1_000_000);
      const layers = Array.from({ length: 1 + random.below(6) }, () =>
        acceptable(randomLayer(random, random.below(14))),
      );
      const trees = layers.map((records): OracleNode => layerTree(records));
      const indexes = layers.map((records) => buildLayerIndex(encodeRecords(records), { build }));
      const expected = outcome(() => comparableTree(mergedTree(trees), true));
      const actual = outcome(() => mergeChain(indexes, { build }));
      if ("code" in actual || "code" in expected) {
        expect(actual, `seed ${seed}`).toEqual(expected);
        continue;
      }
      merged++;
      const index = decodeIndex(actual.value);
      expect(index.merged && index.layerCount).toBe(layers.length);
      expect(comparableIndex(index), `seed ${seed}`).toEqual(expected.value);
      // Two by two, from the bottom, gives the same bytes.
      const folded = indexes
        .slice(1)
        .reduce((a, b) => mergeLayerIndexes(a, b, { build }), mergeChain([indexes[0]!], { build }));
      expect(Buffer.compare(folded, actual.value), `seed ${seed} folded`).toBe(0);
    }
    expect(merged).toBeGreaterThan(50);
  });
});
