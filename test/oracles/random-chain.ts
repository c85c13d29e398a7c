import { encodeRecords, type EntryRecord, record } from "./entry-records.ts";
import { layerTree, mergedTree, type OracleNode, Refused } from "./layer-tree.ts";
import type { Random } from "./random.ts";

const NAMES = ["a", "b", "c", "ab", "a-name-longer-than-eight", "\xff\xfe"];

/**
 * Layers that build and merge, bottom first, in which names meet often: replaced, deleted, hard-linked within and across layers. Each
 * file's data offset is its own in its layer, as in a tar.
 */
export function randomChain(random: Random, layerCount: number, entries: number): EntryRecord[][] {
  const layers: EntryRecord[][] = [];
  while (layers.length < layerCount) {
    const layer: EntryRecord[] = [];
    for (let i = random.below(entries); i >= 0; i--) {
      const made = randomEntry(random, layers.flat().concat(layer), layer.length);
      if (accepted([...layers, [...layer, made]])) layer.push(made);
    }
    layers.push(layer);
  }
  return layers;
}

function randomEntry(random: Random, earlier: readonly EntryRecord[], position: number): EntryRecord {
  const components = Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES));
  const deletes = random.chance(15);
  if (deletes) components.push(random.chance(20) ? ".wh..wh..opq" : `.wh.${components.pop()!}`);
  const path = components.join("/");
  const type = deletes ? 0 : random.pick([0, 0, 0, 5, 5, 2, 1, 1, 3, 6]);
  const size = type === 0 && !deletes ? random.below(4) * 100 : 0;
  return record(type, path, {
    mode: random.pick([0o644, 0o755]),
    uid: random.below(2),
    mtime: [random.below(2), random.below(2)],
    rdev: type === 3 ? [1, 1 + random.below(2)] : [0, 0],
    link: type === 2 ? random.pick(["x", "y"]) : type === 1 && earlier.length > 0 ? random.pick(earlier).path : "",
    xattrs: random.chance(10) ? [["user.x", random.pick(["1", "2"])]] : [],
    size,
    storedBytes: size,
    dataOffset: type === 0 ? 512 * (1 + position) : 0,
  });
}

function accepted(layers: readonly EntryRecord[][]): boolean {
  try {
    mergedTree(layers.map((records): OracleNode => layerTree(records)));
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** The layers' records as the layer kernel takes them. */
export function encodedChain(layers: readonly EntryRecord[][]): Buffer[] {
  return layers.map((records) => encodeRecords(records));
}
