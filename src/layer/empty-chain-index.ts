import {
  ENTRY_DIRECTORY,
  INDEX_HEADER_BYTES,
  INDEX_MERGED,
  INDEX_VERSION,
  INODE_BYTES,
  NODE_BYTES,
  NODE_IMPLIED,
} from "./format.ts";

/**
 * The merged index of no layers: a root directory, root:root 0755, of 1970, marked as implied, so that the first layer
 * that has an entry for the root gives it its attributes. What merging a chain begins with.
 */
export function emptyChainIndex(): Uint8Array {
  const inodes = INDEX_HEADER_BYTES + NODE_BYTES;
  const end = inodes + INODE_BYTES;
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from("GANTRYLX", "latin1"));
  view.setUint32(8, INDEX_VERSION, true);
  view.setUint32(12, INDEX_MERGED, true);
  view.setUint32(16, 1, true); // nodes
  view.setUint32(20, 1, true); // inodes
  [INDEX_HEADER_BYTES, inodes, end, end, 0].forEach((n, i) => view.setUint32(32 + i * 8, n, true));
  view.setUint32(80, end, true);
  view.setUint16(INDEX_HEADER_BYTES + 6, NODE_IMPLIED, true);
  view.setUint32(INDEX_HEADER_BYTES + 12, 1, true); // first child
  view.setUint8(inodes, ENTRY_DIRECTORY);
  view.setUint16(inodes + 2, 0o755, true);
  view.setUint32(inodes + 12, 1, true); // link count
  return bytes;
}
