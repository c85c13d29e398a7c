import { type EntryRecord, record } from "./entry-records.ts";
import type { Random } from "./random.ts";

const NAMES = ["a", "b", "c", "d"];
const TARGETS = [".", "..", "/", "../..", "/a", "/b/", "../c", "a/../b", "./d/.", "/a/b/../c"];

function path(random: Random): string {
  return Array.from({ length: 1 + random.below(4) }, () => random.pick(NAMES)).join("/");
}

/** Entries of a layer, of few names and many symbolic links, so that paths and hard links often lead through those. No path twice. */
export function randomLinks(random: Random, entries: number): EntryRecord[] {
  const records = new Map<string, EntryRecord>();
  for (let n = 0; n < entries; n++) {
    const type = random.pick([0, 0, 1, 2, 2, 5, 5, 5]);
    const at = path(random);
    const earlier = [...records.keys()];
    const link =
      type === 2
        ? random.pick([...TARGETS, random.pick(NAMES), path(random)])
        : type === 1
          ? random.pick([path(random), `${random.pick(NAMES)}/${random.pick(NAMES)}`, ...earlier.slice(-3)])
          : "";
    const size = type === 0 ? 1 + n : 0;
    if (!records.has(at)) records.set(at, record(type, at, { link, size, dataOffset: type === 0 ? 512 * n : 0 }));
  }
  return [...records.values()];
}
