import { GantryError } from "../errors/index.ts";
import { EXTENT_BYTES, INDEX_HEADER_BYTES, INODE_BYTES, NO_INODE, NODE_BYTES } from "./format.ts";
import { LayerIndex } from "./layer-index.ts";

/**
 * The index of a directory alone, as the root of its own tree; of its children all, none, or the one of that name. Layers
 * count as before, so that file data is found where it was. Of a file that has names outside as well, those inside stay.
 * Linear in the size of what is taken.
 * @throws LAYER_INDEX_INVALID
 */
export function subtree(
  index: LayerIndex,
  directory: number,
  children: "all" | "none" | Uint8Array = "all",
): LayerIndex {
  const { order, parents, firstChildren } = breadthFirst(index, directory, children);
  const inodes = new Map<number, { number: number; firstNode: number; names: number; subdirectories: number }>();
  for (const [at, node] of order.entries()) {
    const inode = index.inodeOf(node);
    if (inode === undefined) continue;
    const known = inodes.get(inode);
    if (known === undefined) inodes.set(inode, { number: inodes.size, firstNode: at, names: 1, subdirectories: 0 });
    else known.names++;
    if (at === 0 || !index.isDirectory(inode)) continue;
    const above = index.inodeOf(order[parents[at]!]!);
    if (above !== undefined) inodes.get(above)!.subdirectories++;
  }

  const pool = new BytePool();
  const nodeTable = Buffer.alloc(order.length * NODE_BYTES);
  for (const [at, node] of order.entries()) {
    const inode = index.inodeOf(node);
    const to = at * NODE_BYTES;
    const name = at === 0 ? new Uint8Array(0) : index.nameOf(node);
    nodeTable.writeUInt32LE(pool.add(name), to);
    nodeTable.writeUInt16LE(name.length, to + 4);
    nodeTable.writeUInt16LE(index.flagsOf(node), to + 6);
    nodeTable.writeUInt32LE(inode === undefined ? NO_INODE : inodes.get(inode)!.number, to + 8);
    nodeTable.writeUInt32LE(firstChildren[at]!, to + 12);
    nodeTable.writeUInt32LE((firstChildren[at + 1] ?? order.length) - firstChildren[at]!, to + 16);
    nodeTable.writeUInt32LE(parents[at]!, to + 20);
  }

  const from = tablesOf(index);
  const inodeTable = Buffer.alloc(inodes.size * INODE_BYTES);
  const extents: Uint8Array[] = [];
  let extentCount = 0;
  let dataBytes = 0;
  for (const [inode, { number, firstNode, names, subdirectories }] of inodes) {
    const to = number * INODE_BYTES;
    inodeTable.set(
      index.bytes.subarray(from.inodes + inode * INODE_BYTES, from.inodes + (inode + 1) * INODE_BYTES),
      to,
    );
    inodeTable.writeUInt32LE(index.isDirectory(inode) ? 2 + subdirectories : names, to + 12);
    inodeTable.writeUInt32LE(pool.add(index.linkTargetOf(inode)), to + 64);
    inodeTable.writeUInt32LE(pool.add(index.xattrListOf(inode)), to + 72);
    const count = index.extentsOf(inode).length;
    const first = from.extents + inodeTable.readUInt32LE(to + 80) * EXTENT_BYTES;
    inodeTable.writeUInt32LE(count === 0 ? 0 : extentCount, to + 80);
    inodeTable.writeUInt32LE(firstNode, to + 88);
    if (count > 0) extents.push(index.bytes.subarray(first, first + count * EXTENT_BYTES));
    extentCount += count;
    if (index.isRegular(inode)) dataBytes += index.sizeOf(inode);
  }

  const header = Buffer.alloc(INDEX_HEADER_BYTES);
  header.set(index.bytes.subarray(0, 16));
  header.writeUInt32LE(order.length, 16);
  header.writeUInt32LE(inodes.size, 20);
  header.writeUInt32LE(index.layerCount, 24);
  header.writeUInt32LE(extentCount, 28);
  const tables = [nodeTable, inodeTable, ...extents];
  const poolAt = INDEX_HEADER_BYTES + nodeTable.length + inodeTable.length + extentCount * EXTENT_BYTES;
  const whole = Buffer.concat([header, ...tables, ...pool.slices, Buffer.alloc(-(poolAt + pool.bytes) & 7)]);
  const numbers = [
    INDEX_HEADER_BYTES,
    INDEX_HEADER_BYTES + nodeTable.length,
    INDEX_HEADER_BYTES + nodeTable.length + inodeTable.length,
    poolAt,
    whole.length - poolAt,
    dataBytes,
    whole.length,
  ];
  for (const [n, value] of numbers.entries()) whole.writeBigUInt64LE(BigInt(value), 32 + 8 * n);
  return new LayerIndex(whole);
}

/** The nodes in the order of the new index, the parent of each there, and where its children begin. */
function breadthFirst(
  index: LayerIndex,
  directory: number,
  children: "all" | "none" | Uint8Array,
): { order: number[]; parents: number[]; firstChildren: number[] } {
  const order = [directory];
  const parents = [0];
  const firstChildren: number[] = [];
  for (let at = 0; at < order.length; at++) {
    const node = order[at]!;
    let first = index.firstChildOf(node);
    let count = index.childCountOf(node);
    if (at === 0 && children !== "all") {
      const child = children === "none" ? undefined : index.child(node, children);
      [first, count] = child === undefined ? [0, 0] : [child, 1];
    }
    if (count > 0 && (first <= node || count > index.nodeCount - order.length)) {
      throw new GantryError("LAYER_INDEX_INVALID", `cannot read a layer index: node ${node} is misplaced`, {
        remedy: "Load the image again.",
      });
    }
    firstChildren.push(order.length);
    for (let child = first; child < first + count; child++) {
      order.push(child);
      parents.push(at);
    }
  }
  return { order, parents, firstChildren };
}

/** Where the tables begin that LayerIndex does not hand out as bytes. */
function tablesOf({ bytes }: LayerIndex): { inodes: number; extents: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { inodes: Number(view.getBigUint64(40, true)), extents: Number(view.getBigUint64(48, true)) };
}

class BytePool {
  readonly slices: Uint8Array[] = [];
  bytes = 0;

  /** Where the bytes are. */
  add(slice: Uint8Array): number {
    if (slice.length === 0) return 0;
    this.slices.push(slice);
    this.bytes += slice.length;
    return this.bytes - slice.length;
  }
}
