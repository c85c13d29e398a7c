import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import { isLocked } from "../../bridge/index.ts";
import { digestOf } from "../../image/digest.ts";
import type { StoreLayout } from "../../store/layout.ts";
import type { StoreNeeds } from "./store-needs.ts";

/** What the blocks of a store are used for. Each file counts once, however many names it has. Bytes. */
export interface DiskUsage {
  /** Everything under the root, as `du` counts it. */
  totalBytes: number;
  /** Blobs and layers that images and containers need. */
  imageBytes: number;
  /** Caches of chains that are needed. */
  cacheBytes: number;
  containerBytes: number;
  /** Records, names, locks, events, directories. */
  recordBytes: number;
  /** Scratch directories of commands that are running now. */
  inFlightBytes: number;
  /** What earlier repairs took aside. */
  quarantineBytes: number;
  /** What nothing of that needs: 0 in a sound store. */
  unneededBytes: number;
}

type Use = Exclude<keyof DiskUsage, "totalBytes">;

/**
 * Counts the blocks under a store's root. What is needed counts first, so that a file which a running command holds by a
 * link of its own counts as what it is. The record lock is held.
 * @param own the scratch directory of the check itself, which does not count
 */
export function diskUsage(layout: StoreLayout, needs: StoreNeeds, own: string): DiskUsage {
  const count = new BlockCount();
  count.own(layout.root, "recordBytes");
  for (const name of listing(layout.root)) {
    const path = join(layout.root, name);
    if (path === layout.chainsDir() || path === layout.layersDir() || path === join(layout.root, "blobs")) continue;
    if (path === layout.tmpDir() || path === layout.quarantineDir()) continue;
    if (path === layout.containersDir()) count.tree(path, "containerBytes");
    else count.tree(path, isKnownEntry(layout, path) ? "recordBytes" : "unneededBytes");
  }
  for (const directory of [join(layout.root, "blobs"), layout.blobsDir(), layout.layersDir(), layout.chainsDir()]) {
    count.own(directory, "recordBytes");
  }
  const rest: [path: string, use: Use][] = [];
  const split = (directory: string, isNeeded: (name: string) => boolean, use: Use): void => {
    for (const name of listing(directory)) {
      if (isNeeded(name)) count.tree(join(directory, name), use);
      else rest.push([join(directory, name), "unneededBytes"]);
    }
  };
  split(layout.blobsDir(), (name) => needs.blobs.has(digestOf(name)), "imageBytes");
  split(layout.layersDir(), (name) => needs.layers.has(digestOf(name)), "imageBytes");
  split(layout.chainsDir(), (name) => needs.chains.has(digestOf(name.split(".")[0] as string)), "cacheBytes");
  count.own(layout.tmpDir(), "recordBytes");
  for (const name of listing(layout.tmpDir())) {
    const path = join(layout.tmpDir(), name);
    if (path === own) continue;
    count.tree(path, isLocked(path) ? "inFlightBytes" : "unneededBytes");
  }
  for (const [path, use] of rest) count.tree(path, use);
  count.tree(layout.quarantineDir(), "quarantineBytes");
  return count.usage;
}

/** Whether gantry puts something of this name into a store's root; `lost+found` is the file system's. */
export function isKnownEntry(layout: StoreLayout, path: string): boolean {
  const known = [
    layout.versionFile(),
    layout.lockFile(),
    layout.imagesFile(),
    layout.imagesBackup(),
    layout.summariesFile(),
    layout.summariesFile(),
    join(layout.root, "blobs"),
    layout.layersDir(),
    layout.chainsDir(),
    layout.containersDir(),
    layout.containerNamesDir(),
    layout.eventsDir(),
    layout.reserveDir(),
    layout.quarantineDir(),
    layout.tmpDir(),
    join(layout.root, "lost+found"),
  ];
  return known.includes(path);
}

class BlockCount {
  readonly usage: DiskUsage = {
    totalBytes: 0,
    imageBytes: 0,
    cacheBytes: 0,
    containerBytes: 0,
    recordBytes: 0,
    inFlightBytes: 0,
    quarantineBytes: 0,
    unneededBytes: 0,
  };
  readonly #seen = new Set<string>();

  /** One file or directory, without what is in it. */
  own(path: string, use: Use): Stats | undefined {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (found.nlink > 1 && !found.isDirectory()) {
      const key = `${found.dev}:${found.ino}`;
      if (this.#seen.has(key)) return found;
      this.#seen.add(key);
    }
    const bytes = found.blocks * 512;
    this.usage.totalBytes += bytes;
    this.usage[use] += bytes;
    return found;
  }

  tree(path: string, use: Use): void {
    if (this.own(path, use)?.isDirectory() !== true) return;
    for (const name of listing(path)) this.tree(join(path, name), use);
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
