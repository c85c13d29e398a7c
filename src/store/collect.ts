import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../image/digest.ts";
import type { Digest } from "../image/types.ts";
import { faultPoint } from "./fault.ts";
import type { Intent } from "./intent.ts";
import type { StoreLayout } from "./layout.ts";
import type { References } from "./references.ts";

/** What went, and how many bytes of disk that gave back. */
export interface Collected {
  layers: Digest[];
  bytes: number;
}

/**
 * Removes the candidates that nothing refers to. Call it with the record lock held. A directory is renamed into
 * `scratch` before its files are removed, so that nobody sees half a layer.
 */
export function collect(layout: StoreLayout, candidates: Intent, keep: References, scratch: string): Collected {
  const gone: Collected = { layers: [], bytes: 0 };
  for (const hex of candidates.chains) {
    if (keep.chains.has(hex)) continue;
    faultPoint("collect.chain");
    const chainId = digestOf(hex);
    const files = [layout.chainErofs, layout.chainIndex, layout.chainSpill, layout.chainFacts];
    for (const file of files) gone.bytes += removeFile(file(chainId));
    gone.bytes += removeTree(layout.chainTree(chainId), join(scratch, `chain-${hex}`));
  }
  for (const hex of candidates.layers) {
    if (keep.layers.has(hex)) continue;
    faultPoint("collect.layer");
    const dir = layout.layerDir(digestOf(hex));
    if (statSync(dir, { throwIfNoEntry: false }) !== undefined) gone.layers.push(digestOf(hex));
    gone.bytes += removeTree(dir, join(scratch, `gone-${hex}`));
  }
  for (const hex of candidates.blobs) {
    if (keep.blobs.has(hex)) continue;
    faultPoint("collect.blob");
    gone.bytes += removeFile(layout.blob(digestOf(hex)));
  }
  return gone;
}

/** The bytes that removing one name of a file gives back: none while it has another, which gives them back later. */
function freedBytes(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined || !found.isFile() || found.nlink > 1 ? 0 : found.size;
}

function removeFile(path: string): number {
  const bytes = freedBytes(path);
  rmSync(path, { force: true });
  return bytes;
}

function removeTree(path: string, aside: string): number {
  const removed = moveAside(path, aside);
  if (removed === undefined) return 0;
  const bytes = readdirSync(removed).reduce((sum, name) => sum + freedBytes(join(removed, name)), 0);
  rmSync(removed, { recursive: true, force: true });
  return bytes;
}

/** Where it is now; undefined if it was not there. */
function moveAside(path: string, aside: string): string | undefined {
  try {
    renameSync(path, aside);
    return aside;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    // On a full disk there may be no room for the name: it goes where it is, no record names it any more.
    if (code === "ENOSPC" || code === "EDQUOT") return path;
    throw error;
  }
}
