import { describe, expect, it } from "vitest";
import { buildLayerIndex, mergeChain, mergeLayerIndexes } from "../../../src/kernels/layer.ts";
import { LayerIndex } from "../../../src/layer/layer-index.ts";
import { lookup } from "../../../src/layer/resolve-path.ts";
import { subtree } from "../../../src/layer/subtree.ts";
import { decodeIndex, type IndexEntry } from "../../oracles/decode-index.ts";
import { encodedChain, randomChain } from "../../oracles/random-chain.ts";
import { Random } from "../../oracles/random.ts";
import { buildIndex, type TreeEntry } from "./index-builder.ts";

/** What an index says of the paths below a directory, as if it were the root; of its children all, or one. */
function cut(whole: Uint8Array, directory: string, only?: string): IndexEntry[] {
  const prefix = directory === "" ? "" : `${directory}/`;
  const isInside = (path: string): boolean => {
    if (path === directory) return true;
    if (!path.startsWith(prefix)) return false;
    return only === undefined || path.slice(prefix.length).split("/")[0] === only;
  };
  const inside = (path: string): string => (path === directory ? "" : path.slice(prefix.length));
  const kept = decodeIndex(whole).entries.filter(({ path }) => isInside(path));
  const directories = kept.filter(({ inode }) => inode?.type === 5).map(({ path }) => inside(path));
  const countedIn = (path: string): number =>
    directories.filter((one) => one !== "" && one.slice(0, Math.max(one.lastIndexOf("/"), 0)) === path).length;
  return kept.map((entry) => {
    const path = inside(entry.path);
    const names = entry.inode!.names.filter(isInside).map(inside);
    const linkCount = entry.inode!.type === 5 ? 2 + countedIn(path) : names.length;
    return { ...entry, path, inode: { ...entry.inode!, names, linkCount } };
  });
}

describe("a subtree", () => {
  it("says of what it takes what the whole says, of hundreds of directories of random chains", () => {
    const random = new Random(0x5b7ee);
    let taken = 0;
    for (let round = 0; round < 50; round++) {
      const layers = encodedChain(randomChain(random, 1 + random.below(3), 24)).map((one) => buildLayerIndex(one));
      const index = new LayerIndex(mergeChain(layers));
      for (const node of index.walk()) {
        const inode = index.inodeOf(node);
        if (inode === undefined || !index.isDirectory(inode)) continue;
        const directory = index.pathOf(node).toString("latin1");
        const all = subtree(index, node);
        expect(decodeIndex(all.bytes).entries).toEqual(cut(index.bytes, directory));
        expect([all.layerCount, all.merged]).toEqual([index.layerCount, true]);
        for (let child = 0; child < Math.min(index.childCountOf(node), 3); child++) {
          const name = index.nameOf(index.firstChildOf(node) + child);
          const one = subtree(index, node, name);
          expect(decodeIndex(one.bytes).entries).toEqual(
            cut(index.bytes, directory, Buffer.from(name).toString("latin1")),
          );
          // The kernel's own checks.
          mergeLayerIndexes(one.bytes, layers[0]!);
          taken++;
        }
      }
    }
    expect(taken).toBeGreaterThan(300);
  });

  const TREE: TreeEntry[] = [
    { path: "usr", type: "dir" },
    { path: "usr/lib", type: "dir" },
    { path: "usr/lib/one", type: "file", size: 5, dataOffset: 1024 },
    { path: "usr/two", type: "hardlink", target: "usr/lib/one" },
    { path: "usr/zero", type: "file", size: 99_999, dataOffset: 4096, extents: [{ fileOffset: 512, bytes: 512 }] },
  ];
  const whole = new LayerIndex(buildIndex(TREE, { merged: true }));
  const usr = lookup(whole, "usr") as number;

  it("keeps where a file's data is, and counts only what it has", () => {
    const taken = subtree(whole, usr, Buffer.from("zero"));
    const zero = taken.inodeOf(lookup(taken, "zero") as number) as number;
    expect([taken.dataOffsetOf(zero), taken.extentsOf(zero)]).toEqual([4096, [{ fileOffset: 512, bytes: 512 }]]);
    expect([taken.dataBytes, taken.nodeCount, taken.inodeCount]).toEqual([99_999, 2, 2]);
  });

  it("is empty for a name that is not there, and where nothing is wanted", () => {
    expect(subtree(whole, usr, Buffer.from("nothing")).nodeCount).toBe(1);
    expect(subtree(whole, usr, "none").nodeCount).toBe(1);
  });

  it("of a damaged index is refused", () => {
    const damaged = Buffer.from(whole.bytes);
    damaged.writeUInt32LE(0, 96 + 24 * usr + 12);
    expect(() => subtree(new LayerIndex(damaged), usr)).toThrow(
      expect.objectContaining({ code: "LAYER_INDEX_INVALID" }) as Error,
    );
  });
});
