import { readFileSync } from "node:fs";
import { ENTRY_SYMLINK, INODE_BYTES } from "../layer/format.ts";

// Fields of a layer index and of its inodes: wasm/common/format.ts, section 2.
const INODE_COUNT = 20;
const INODES_OFFSET = 40;
const DATA_BYTES = 72;
const TYPE = 0;
const LINK_TARGET_BYTES = 68;

/**
 * The size that Docker shows for a layer: the sizes of its regular files, hard links once, and of its symbolic links, as
 * `du --apparent-size` without directories would count them.
 */
export function layerSize(indexFile: string): number {
  const bytes = readFileSync(indexFile);
  const first = Number(bytes.readBigUInt64LE(INODES_OFFSET));
  const end = first + bytes.readUInt32LE(INODE_COUNT) * INODE_BYTES;
  let size = Number(bytes.readBigUInt64LE(DATA_BYTES));
  for (let inode = first; inode < end; inode += INODE_BYTES) {
    if (bytes[inode + TYPE] === ENTRY_SYMLINK) size += bytes.readUInt32LE(inode + LINK_TARGET_BYTES);
  }
  return size;
}
