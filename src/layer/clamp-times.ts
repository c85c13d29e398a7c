import { INODE_BYTES } from "./format.ts";
import { LayerIndex } from "./layer-index.ts";

/**
 * A copy of a layer index (wasm/common/format.ts, section 2) with no file younger than a moment: modification times later
 * than it become it, others stay.
 * @param latest seconds since 1970, and nanoseconds
 */
export function clampTimes(index: LayerIndex, latest: { seconds: number; nanoseconds: number }): LayerIndex {
  const bytes = Uint8Array.from(index.bytes);
  const view = new DataView(bytes.buffer);
  const inodes = Number(view.getBigUint64(40, true));
  const end = inodes + index.inodeCount * INODE_BYTES;
  const seconds = BigInt(latest.seconds);
  for (let at = inodes; at < end; at += INODE_BYTES) {
    const mtime = view.getBigInt64(at + 24, true);
    if (mtime < seconds || (mtime === seconds && view.getUint32(at + 32, true) <= latest.nanoseconds)) continue;
    view.setBigInt64(at + 24, seconds, true);
    view.setUint32(at + 32, latest.nanoseconds, true);
  }
  return new LayerIndex(bytes);
}
