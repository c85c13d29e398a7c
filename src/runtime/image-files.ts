import { closeSync, openSync, readSync } from "node:fs";
import type { LayerIndex } from "../layer/layer-index.ts";
import { resolvePath } from "../layer/resolve-path.ts";

/** Larger account files than this are not an image's, but somebody's attempt to use up memory. */
const MAX_BYTES = 16 * 1024 * 1024;

/** An image's tree and where its bytes are. */
export interface ImageTree {
  /** The merged index of the image's layers. */
  index: LayerIndex;
  /** Path of a layer's tar, 0 = bottom. */
  layerTar(layer: number): string;
}

/**
 * Reads a small regular file of an image straight out of the layer that holds it. Symbolic links are followed inside the
 * image only. Undefined if it is not there, not a regular file, or larger than 16 MiB.
 */
export function readImageFile(tree: ImageTree, path: string): Buffer | undefined {
  const { index } = tree;
  const node = resolvePath(index, path);
  const inode = node === undefined ? undefined : index.inodeOf(node);
  if (inode === undefined || !index.isRegular(inode)) return undefined;
  const size = index.sizeOf(inode);
  if (size > MAX_BYTES) return undefined;
  const content = Buffer.alloc(size);
  if (size === 0) return content;
  const extents = index.extentsOf(inode);
  const fd = openSync(tree.layerTar(index.layerOf(inode)), "r");
  try {
    let at = index.dataOffsetOf(inode);
    for (const extent of extents.length > 0 ? extents : [{ fileOffset: 0, bytes: size }]) {
      readSync(fd, content, extent.fileOffset, extent.bytes, at);
      at += extent.bytes;
    }
  } finally {
    closeSync(fd);
  }
  return content;
}
