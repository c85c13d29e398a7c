import { existsSync, readFileSync, statSync } from "node:fs";
import type { Digest } from "../image/types.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import type { StoreLayout } from "./layout.ts";

/** What a layer's files lack, as far as one sees without reading the tar. */
export interface LayerProblem {
  kind: "missing" | "size" | "index";
  /** A sentence without its subject: `has no index`. */
  says: string;
}

/**
 * Looks at a layer of the store: both files are there, the index can be read and does not lead beyond the tar. Reads the
 * index; undefined if nothing is wrong.
 * @throws what node:fs throws for files that cannot be read
 */
export function layerProblem(layout: StoreLayout, diffId: Digest): LayerProblem | undefined {
  const tar = statSync(layout.layerTar(diffId), { throwIfNoEntry: false });
  const hasIndex = existsSync(layout.layerIndex(diffId));
  if (tar === undefined) return { kind: "missing", says: hasIndex ? "has no tar" : "is not in the store" };
  if (!tar.isFile()) return { kind: "missing", says: "has a tar that is no regular file" };
  if (!hasIndex) return { kind: "index", says: "has no index" };
  return indexProblem(readFileSync(layout.layerIndex(diffId)), tar.size);
}

function indexProblem(bytes: Uint8Array, tarBytes: number): LayerProblem | undefined {
  try {
    const index = new LayerIndex(bytes);
    if (index.merged || index.layerCount !== 1) return { kind: "index", says: "has the index of a chain" };
    for (let inode = 0; inode < index.inodeCount; inode++) {
      if (!index.isRegular(inode)) continue;
      if (index.dataOffsetOf(inode) + index.storedBytesOf(inode) > tarBytes) {
        return { kind: "size", says: `has a tar of ${tarBytes} bytes, which ends before what its index names` };
      }
    }
  } catch (error) {
    return { kind: "index", says: `has an index that cannot be read: ${(error as Error).message}` };
  }
  return undefined;
}
