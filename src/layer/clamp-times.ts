import { INODE_BYTES } from "./format.ts";

/**
 * A copy of a layer index (wasm/common/format.ts, section 2) with no file younger than a moment: modification times later
 * than it become it, others stay.
 * @param latest seconds since 1970, and nanoseconds
 */
export function clampTimes(index: Uint8Array, latest: { seconds: number; nanoseconds: number }): Uint8Array {
  const bytes = Uint8Array.from(index);
  const view = new DataView(bytes.buffer);
  const inodes = Number(view.getBigUint64(40, true));
  const end = inodes + view.getUint32(20, true) * INODE_BYTES;
  const seconds = BigInt(latest.seconds);
  for (let at = inodes; at < end; at += INODE_BYTES) {
    const mtime = view.getBigInt64(at + 24, true);
    if (mtime < seconds || (mtime === seconds && view.getUint32(at + 32, true) <= latest.nanoseconds)) continue;
    view.setBigInt64(at + 24, seconds, true);
    view.setUint32(at + 32, latest.nanoseconds, true);
  }
  return bytes;
}
