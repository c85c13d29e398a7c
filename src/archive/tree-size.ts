import { SPARSE_FROM_BYTES } from "../kernels/tar-write.ts";
import type { LayerIndex } from "../layer/layer-index.ts";

/**
 * Bytes of file data that `writeTree` will write of an index, headers and padding not counted: for the preflight and for
 * progress. Holes count where they are written as zeros.
 */
export function treeDataBytes(index: LayerIndex): number {
  let bytes = index.dataBytes;
  for (let inode = 0; inode < index.inodeCount; inode++) {
    const holes = index.isRegular(inode) ? index.sizeOf(inode) - index.storedBytesOf(inode) : 0;
    if (holes >= SPARSE_FROM_BYTES) bytes -= holes;
  }
  return bytes;
}
