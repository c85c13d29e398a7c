import { INODE_BYTES } from "./format.ts";
import { LayerIndex } from "./layer-index.ts";

/**
 * The index with no file younger than a moment: modification times later than it become it, others stay. The bytes given
 * are not changed.
 * @param to seconds since 1970, and nanoseconds
 */
export function clampTimes(index: LayerIndex, to: { seconds: number; nanoseconds: number }): LayerIndex {
  const bytes = index.bytes.slice();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const inodes = Number(view.getBigUint64(40, true));
  const seconds = BigInt(to.seconds);
  for (let inode = 0, at = inodes; inode < index.inodeCount; inode++, at += INODE_BYTES) {
    const mtime = view.getBigInt64(at + 24, true);
    if (mtime < seconds || (mtime === seconds && view.getUint32(at + 32, true) <= to.nanoseconds)) continue;
    view.setBigInt64(at + 24, seconds, true);
    view.setUint32(at + 32, to.nanoseconds, true);
  }
  return new LayerIndex(bytes);
}
