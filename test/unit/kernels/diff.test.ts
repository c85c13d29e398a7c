import { describe, expect, it } from "vitest";
import { isGantryError } from "../../../src/errors/index.ts";
import { diffTrees, type NodeChange, WHAT } from "../../../src/kernels/diff.ts";
import { buildLayerIndex, mergeChain } from "../../../src/kernels/layer.ts";
import { LayerIndex } from "../../../src/layer/layer-index.ts";
import { decodeIndex } from "../../oracles/decode-index.ts";
import { encodeRecords, type EntryRecord, record } from "../../oracles/entry-records.ts";
import { encodedChain, randomChain } from "../../oracles/random-chain.ts";
import { Random } from "../../oracles/random.ts";
import { type OracleChange, treeDiff } from "../../oracles/tree-diff.ts";

const merged = (...layers: EntryRecord[][]): Uint8Array =>
  mergeChain(layers.map((records) => buildLayerIndex(encodeRecords(records))));

function readable(a: Uint8Array, b: Uint8Array, changes: readonly NodeChange[]): OracleChange[] {
  const [indexA, indexB] = [new LayerIndex(a), new LayerIndex(b)];
  return changes.map((change) => ({
    path: (change.b === undefined ? indexA.pathOf(change.a!) : indexB.pathOf(change.b)).toString("latin1"),
    kind: change.a === undefined ? "A" : change.b === undefined ? "D" : "C",
    aspects: Object.entries(WHAT)
      .filter(([, bit]) => (change.what & bit) !== 0)
      .map(([name]) => name)
      .sort(),
  }));
}

describe.each(["scalar", "simd"] as const)("the diff kernel (%s)", (build) => {
  const diff = (a: Uint8Array, b: Uint8Array, keysA = [1], keysB = [2]): OracleChange[] =>
    readable(
      a,
      b,
      diffTrees(
        { index: a, sources: Uint32Array.from(keysA) },
        { index: b, sources: Uint32Array.from(keysB) },
        { build },
      ),
    );

  it("names everything below a directory that is added, deleted or became a file", () => {
    const a = merged([record(5, "gone/"), record(0, "gone/x"), record(5, "was/"), record(0, "was/y")]);
    const b = merged([record(5, "new/"), record(0, "new/z"), record(0, "was")]);
    expect(diff(a, b).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      "D gone",
      "D gone/x",
      "A new",
      "A new/z",
      "C was",
      "D was/y",
    ]);
  });

  it.each<[string, Partial<EntryRecord>, Partial<EntryRecord>, string[]]>([
    ["mode", { mode: 0o644 }, { mode: 0o755 }, ["mode"]],
    ["owner", { uid: 1 }, { uid: 2 }, ["owner"]],
    ["group", { gid: 1 }, { gid: 2 }, ["owner"]],
    ["nanoseconds", { mtime: [5, 1] }, { mtime: [5, 2] }, ["mtime"]],
    ["seconds before 1970", { mtime: [-5, 0] }, { mtime: [5, 0] }, ["mtime"]],
    ["a larger file", { size: 1 }, { size: 2 }, ["content"]],
    ["a file of the same size elsewhere", { size: 1 }, { size: 1 }, ["contentUnknown"]],
    ["empty files", { dataOffset: 512 }, { dataOffset: 1024 }, []],
    ["an attribute", { xattrs: [["user.a", "1"]] }, { xattrs: [["user.a", "2"]] }, ["xattrs"]],
    [
      "attributes in another order",
      {
        xattrs: [
          ["user.a", "1"],
          ["user.bc", "2"],
        ],
      },
      {
        xattrs: [
          ["user.bc", "2"],
          ["user.a", "1"],
        ],
      },
      [],
    ],
    ["a link's target", { type: 2, link: "x" }, { type: 2, link: "y" }, ["linkTarget"]],
    ["a link's mode", { type: 2, link: "x", mode: 0o777 }, { type: 2, link: "x", mode: 0o644 }, []],
    ["a device", { type: 3, rdev: [1, 3] }, { type: 3, rdev: [1, 5] }, ["device"]],
    ["a fifo for a file", { type: 0 }, { type: 6 }, ["type"]],
  ])("tells %s", (_, before, after, aspects) => {
    const one = (rest: Partial<EntryRecord>): Uint8Array => merged([record(rest.type ?? 0, "f", rest)]);
    expect(diff(one(before), one(after))).toEqual(aspects.length === 0 ? [] : [{ path: "f", kind: "C", aspects }]);
  });

  it("takes data at the same place of the same layer for the same, and of another layer not", () => {
    const tree = merged([record(0, "f", { size: 9, dataOffset: 512 })]);
    expect(diff(tree, tree, [7], [7])).toEqual([]);
    expect(diff(tree, tree, [7], [8])).toEqual([{ path: "f", kind: "C", aspects: ["contentUnknown"] }]);
  });

  it("says which names are hard links of other files than before", () => {
    const a = merged([record(0, "p"), record(1, "q", { link: "p" }), record(0, "r"), record(1, "s", { link: "r" })]);
    const b = merged([record(0, "p"), record(1, "r", { link: "p" }), record(0, "q"), record(1, "s", { link: "q" })]);
    expect(diff(a, b)).toEqual(["p", "q", "r", "s"].map((path) => ({ path, kind: "C", aspects: ["links"] })));
    expect(diff(a, a)).toEqual([]);
  });

  it("agrees with a plain comparison of paths on 300 random pairs of chains", () => {
    let changed = 0;
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed);
      const layers = encodedChain(randomChain(random, 2 + random.below(3), 10)).map((records) =>
        buildLayerIndex(records),
      );
      // Chains that share layers, and chains that do not.
      const keys = layers.map((_, n) => n);
      const shared = random.below(layers.length);
      const keysA = keys.filter((n) => n <= shared || random.chance(50));
      const keysB = keys.filter((n) => n <= shared || random.chance(50));
      const outcome = (chain: readonly number[]): Uint8Array | undefined => {
        try {
          return mergeChain(chain.map((n) => layers[n]!));
        } catch (error) {
          // A hard link to what only a layer that was left out has.
          if (isGantryError(error)) return undefined;
          throw error;
        }
      };
      const [a, b] = [outcome(keysA), outcome(keysB)];
      if (a === undefined || b === undefined) continue;
      const expected = treeDiff(decodeIndex(a), decodeIndex(b), keysA, keysB);
      expect(diff(a, b, keysA, keysB), `seed ${seed}`).toEqual(expected);
      changed += expected.length;
    }
    expect(changed).toBeGreaterThan(300);
  });
});
