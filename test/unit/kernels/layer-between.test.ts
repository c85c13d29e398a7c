import { describe, expect, it } from "vitest";
import { buildLayerIndex, layerBetween, mergeChain } from "../../../src/kernels/layer.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { END_OF_ARCHIVE, paddingBytes, treeItems } from "../../../src/kernels/tar-write.ts";
import { decodeIndex, type DecodedIndex } from "../../oracles/decode-index.ts";
import { encodeRecords, type EntryRecord, record } from "../../oracles/entry-records.ts";
import { encodedChain, randomChain } from "../../oracles/random-chain.ts";
import { Random } from "../../oracles/random.ts";

/** The layer as a tar, data as zeros, and read back: what a store would have of it. */
function throughTar(index: Uint8Array): Uint8Array {
  const scanner = new TarScanner();
  for (const { headers, data } of treeItems(index)) {
    scanner.push(headers);
    if (data !== undefined) scanner.push(Buffer.alloc(data.size + paddingBytes(data.size)));
  }
  scanner.push(END_OF_ARCHIVE);
  return buildLayerIndex(scanner.finish().records);
}

/** What must be the same: all but where the data are, which the tar decides, and the root, which it does not have. */
function facts(index: DecodedIndex): unknown[] {
  return index.entries
    .filter(({ path }) => path !== "")
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, inode }) => [path, { ...inode!, layer: 0, dataOffset: 0 }]);
}

const build1 = (records: EntryRecord[]): Uint8Array => buildLayerIndex(encodeRecords(records));
const names = (layer: Uint8Array): string[] =>
  decodeIndex(layer)
    .entries.filter(({ path }) => path !== "")
    .map(({ path, whiteout, opaque }) => `${path}${whiteout ? " whiteout" : opaque ? " opaque" : ""}`)
    .sort();

describe.each(["scalar", "simd"] as const)("a layer made of the difference of two trees (%s)", (build) => {
  const between = (...layers: EntryRecord[][]): string[] => {
    const indexes = layers.map(build1);
    return names(layerBetween(mergeChain(indexes.slice(0, 1)), mergeChain(indexes), { build }));
  };

  it("put on the lower layers gives the same tree as all layers, of 150 random chains at every height", () => {
    for (let seed = 0; seed < 150; seed++) {
      const random = new Random(seed);
      const layers = encodedChain(randomChain(random, 2 + random.below(3), 10)).map((records) =>
        buildLayerIndex(records),
      );
      const whole = mergeChain(layers);
      for (let keep = 1; keep < layers.length; keep++) {
        const lower = mergeChain(layers.slice(0, keep));
        const layer = layerBetween(lower, whole, { build });
        decodeIndex(layer);
        const again = mergeChain([lower, throughTar(layer)]);
        expect(facts(decodeIndex(again)), `seed ${seed}, ${keep} kept`).toEqual(facts(decodeIndex(whole)));
        expect(decodeIndex(layer).entries.some(({ inode }) => inode?.type === 1)).toBe(false);
      }
    }
  });

  it("holds what was added and its directories, and nothing of what came and went", () => {
    expect(
      between(
        [record(5, "d/"), record(0, "d/old")],
        [record(0, "d/new"), record(0, "d/temporary")],
        [record(0, "d/.wh.temporary")],
      ),
    ).toEqual(["d", "d/new"]);
  });

  it("hides what is gone: one name by a whiteout, all of a directory by one mark", () => {
    expect(
      between(
        [record(0, "d/a"), record(0, "d/b"), record(0, "e/a"), record(0, "e/b"), record(0, "f")],
        [record(0, "d/.wh.a"), record(0, "e/.wh..wh..opq"), record(0, "e/c"), record(0, ".wh.f")],
      ),
    ).toEqual(["d", "d/a whiteout", "e opaque", "e/c", "f whiteout"]);
  });

  it("writes a file of a lower layer again under all of its names when it got another", () => {
    expect(between([record(0, "a"), record(1, "b", { link: "a" })], [record(1, "c", { link: "b" })])).toEqual([
      "a",
      "b",
      "c",
    ]);
  });

  it("is empty where the upper layers change nothing in the end", () => {
    expect(between([record(0, "a")], [record(0, "b")], [record(0, ".wh.b")])).toEqual([]);
  });
});
