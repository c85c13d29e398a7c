import { ENTRY_BLOCK, ENTRY_CHAR, ENTRY_DIRECTORY, ENTRY_FIFO, ENTRY_SYMLINK } from "../common/format";
import { BLOCK_BYTES, DIRENT_BYTES } from "./disk-format";
import { planAt } from "./inode-plan";
import { bytesAt, inodeAt, nodeAt } from "./layer-tables";

const DOTS = memory.data<u8>([0x2e, 0x2e]);

/**
 * The entries of the block being filled, at most 42 of them (512 / 12), 16 bytes each:
 * { u32 nameAddress, u32 nameBytes, u32 nid, u32 fileType }.
 */
const PENDING = memory.data(48 * 16, 16);

let pendingCount: u32 = 0;
let pendingBytes: u32 = 0;

/** Where the next full block goes, and the last, partly filled one; 0 while only measuring. */
let blocksTo: usize = 0;
let tailTo: usize = 0;
let doneBytes: u64 = 0;

/** Bytes of the directory that `node` is: whole blocks but for the last. Names have been checked. */
export function measureDirectory(node: u32): u64 {
  blocksTo = 0;
  tailTo = 0;
  return pack(node);
}

/** Writes the directory's whole blocks to `blocks` and what is left, less than a block, to `tail`. */
export function writeDirectory(node: u32, blocks: usize, tail: usize): void {
  blocksTo = blocks;
  tailTo = tail;
  pack(node);
}

/** All entries in bytewise order, "." and ".." among them: '!', '#' or '-' sort before '.'. */
function pack(node: u32): u64 {
  const at = nodeAt(node);
  const first = load<u32>(at, 12);
  const end = first + load<u32>(at, 16);
  pendingCount = 0;
  pendingBytes = 0;
  doneBytes = 0;
  let dots: u32 = 0;
  for (let child = first; child < end; child++) {
    const childAt = nodeAt(child);
    const nameBytes = <u32>load<u16>(childAt, 4);
    const name = bytesAt(load<u32>(childAt), nameBytes);
    while (dots < 2 && comesAfterDots(name, nameBytes, dots + 1)) addDots(node, ++dots);
    const inode = load<u32>(childAt, 8);
    add(name, nameBytes, load<u32>(planAt(inode)), fileType(load<u8>(inodeAt(inode))));
  }
  while (dots < 2) addDots(node, ++dots);
  const total = doneBytes + pendingBytes;
  flush(pendingBytes === BLOCK_BYTES);
  return total;
}

/** Whether `name` sorts after `dots` dots. */
function comesAfterDots(name: usize, nameBytes: u32, dots: u32): bool {
  for (let i: u32 = 0; i < dots; i++) {
    if (i >= nameBytes) return false;
    const byte = load<u8>(name + i);
    if (byte !== 0x2e) return byte > 0x2e;
  }
  return nameBytes > dots;
}

function addDots(node: u32, dots: u32): void {
  const target = dots === 1 ? node : load<u32>(nodeAt(node), 20);
  add(DOTS, dots, load<u32>(planAt(load<u32>(nodeAt(target), 8))), 2);
}

function add(name: usize, nameBytes: u32, nid: u32, type: u32): void {
  if (pendingBytes + DIRENT_BYTES + nameBytes > BLOCK_BYTES) flush(true);
  const entry = PENDING + <usize>(pendingCount++ << 4);
  store<u32>(entry, <u32>name);
  store<u32>(entry, nameBytes, 4);
  store<u32>(entry, nid, 8);
  store<u32>(entry, type, 12);
  pendingBytes += DIRENT_BYTES + nameBytes;
}

/** Entries first, then their names; the first entry's name offset tells the number of entries. */
function flush(whole: bool): void {
  const to = whole ? blocksTo : tailTo;
  if (to !== 0) {
    let nameOffset = pendingCount * DIRENT_BYTES;
    for (let i: u32 = 0; i < pendingCount; i++) {
      const entry = PENDING + <usize>(i << 4);
      const dirent = to + i * DIRENT_BYTES;
      const nameBytes = load<u32>(entry, 4);
      store<u64>(dirent, <u64>load<u32>(entry, 8));
      store<u16>(dirent, <u16>nameOffset, 8);
      store<u8>(dirent, <u8>load<u32>(entry, 12), 10);
      memory.copy(to + nameOffset, <usize>load<u32>(entry), nameBytes);
      nameOffset += nameBytes;
    }
  }
  if (whole) {
    if (blocksTo !== 0) blocksTo += BLOCK_BYTES;
    doneBytes += BLOCK_BYTES;
  }
  pendingCount = 0;
  pendingBytes = 0;
}

/** FT_* of Linux. */
function fileType(entryType: u8): u32 {
  switch (entryType) {
    case ENTRY_DIRECTORY:
      return 2;
    case ENTRY_CHAR:
      return 3;
    case ENTRY_BLOCK:
      return 4;
    case ENTRY_FIFO:
      return 5;
    case ENTRY_SYMLINK:
      return 7;
    default:
      return 1;
  }
}
