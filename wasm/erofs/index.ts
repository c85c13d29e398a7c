/**
 * Kernel `erofs`: writes the EROFS image of a merged layer index (common/format.ts, section 2). The image is metadata
 * only: regular files are chunk maps into extra devices, of which each layer's tar is one, in layer order, and the spill
 * file, where there is one, the last. Data that cannot be mapped in whole 512-byte blocks of a tar, or would need too
 * long a map, is left to the caller to copy into the spill file.
 *
 * Memory, from the heap's start upwards: index | devices | uuid | plans | image | copy instructions
 *
 *   image:   0 zeros | 1024 superblock | 1152 device table | metadata area | blocks of directories and long links
 *
 * In the metadata area an inode is: 64 bytes, xattrs, then what a file's layout wants: chunk map, or the last, partly
 * filled block of a directory or link, which must not cross a block's border.
 *
 * Two passes: the first checks the index and places every inode, so that the second can write node ids into directories.
 * Same input, same bytes: nothing in the image depends on time or place.
 */
import {
  ENTRY_BLOCK,
  ENTRY_CHAR,
  ENTRY_DIRECTORY,
  ENTRY_FIFO,
  ENTRY_REGULAR,
  ENTRY_SYMLINK,
  INDEX_MERGED,
} from "../common/format";
import { measureDirectory, writeDirectory } from "./directory";
import {
  BLOCK_BITS,
  BLOCK_BYTES,
  CHUNK_FORMAT_INDEXES,
  CHUNK_INDEX_BYTES,
  INODE_BYTES,
  LAYOUT_CHUNKED,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  MAX_DEVICES,
  MAX_NAME_BYTES,
  MAX_SYMLINK_BYTES,
  NID_SLOT_BYTES,
  XATTR_HEADER_BYTES,
} from "./disk-format";
import { DEVICE_NUMBER_TOO_LARGE, INDEX_MALFORMED, OK, OUT_OF_MEMORY, TOO_MANY_LAYERS, setFailedNode } from "./failure";
import { COPY_BYTES, copyCount, openCopies, openDevices, planData, spillBytes, writeChunks } from "./file-data";
import { openPlans, planAt } from "./inode-plan";
import { bytesAt, inodeAt, layerCount, nodeAt, nodeCount, openIndex } from "./layer-tables";
import { reserve } from "./memory";
import { metadataBlock, writeDevice, writeSuperblock } from "./superblock";
import { encodeXattrs, xattrBytes } from "./xattrs";

export { failedNode } from "./failure";
export { reserve } from "./memory";

/** Record of a device given to `build`: { u64 bytes, u8 tag[64] }. */
const DEVICE_BYTES: u32 = 72;
/** The first inode is not in slot 0: node id 0, shown as inode number 0, is "no file" to many programs. */
const FIRST_INODE: u64 = 32;

let image: usize = 0;
let imageLength: u64 = 0;
let copies: usize = 0;
let metadataBytes: u64 = FIRST_INODE;
let dataBlocks: u32 = 0;
let placed: u32 = 0;

export function imageAddress(): usize {
  return image;
}

export function imageBytes(): u64 {
  return imageLength;
}

export function copiesAddress(): usize {
  return copies;
}

export function copiesCount(): u32 {
  return copyCount;
}

/** Length of the spill file; 0: none is needed. */
export function spillFileBytes(): u64 {
  return spillBytes;
}

/**
 * Makes the image of the index at `index`, with `devices` an array of device records, one a layer, and 16 bytes at
 * `uuid`. All three in memory from `reserve`. Once an instance. Returns a failure.ts code.
 */
export function build(index: usize, indexBytes: u32, devices: usize, deviceCount: u32, uuid: usize): i32 {
  let status = openIndex(index, indexBytes);
  if (status !== OK) return status;
  if (layerCount !== deviceCount || (load<u32>(index, 12) & INDEX_MERGED) === 0) return INDEX_MALFORMED;
  if (deviceCount >= MAX_DEVICES) return TOO_MANY_LAYERS;
  if (!openPlans()) return OUT_OF_MEMORY;
  openDevices(devices, DEVICE_BYTES);
  status = placeAll();
  if (status !== OK) return status;

  const slots = deviceCount + (spillBytes > 0 ? 1 : 0);
  const metadata = metadataBlock(slots);
  const dataStart = metadata + <u32>((metadataBytes + BLOCK_BYTES - 1) >> BLOCK_BITS);
  imageLength = (<u64>dataStart + dataBlocks) << BLOCK_BITS;
  image = reserve(imageLength);
  copies = reserve(<u64>copyCount * COPY_BYTES);
  if (image === 0 || copies === 0) return OUT_OF_MEMORY;
  openCopies(copies);
  for (let i: u32 = 0; i < deviceCount; i++) {
    writeDevice(image, i, load<u64>(devices + i * DEVICE_BYTES), devices + i * DEVICE_BYTES + 8);
  }
  if (slots > deviceCount) writeDevice(image, deviceCount, spillBytes, 0);
  writeAll(image + ((<usize>metadata) << BLOCK_BITS), dataStart);
  const root = load<u32>(planAt(load<u32>(nodeAt(0), 8)));
  writeSuperblock(image, <u16>root, placed, dataStart + dataBlocks, slots, uuid);
  return OK;
}

/** First pass: the tree is one, and every inode gets its place, in the order in which nodes name them. */
function placeAll(): i32 {
  let nextChild: u32 = 1;
  for (let node: u32 = 0; node < nodeCount; node++) {
    setFailedNode(node);
    const at = nodeAt(node);
    const number = load<u32>(at, 8);
    const inode = inodeAt(number);
    if (inode === 0 || (node > 0 && !isName(at))) return INDEX_MALFORMED;
    const isDirectory = load<u8>(inode) === ENTRY_DIRECTORY;
    const children = load<u32>(at, 16);
    if (children > 0) {
      if (!isDirectory || load<u32>(at, 12) !== nextChild || children > nodeCount - nextChild) return INDEX_MALFORMED;
      for (let child = nextChild; child < nextChild + children; child++) {
        if (load<u32>(nodeAt(child), 20) !== node) return INDEX_MALFORMED;
      }
      nextChild += children;
    }
    if (node === 0 ? !isDirectory : load<u32>(at, 20) >= node) return INDEX_MALFORMED;
    const plan = planAt(number);
    store<u32>(plan, load<u32>(plan, 4) + 1, 4);
    if (load<u32>(plan) !== 0) {
      if (isDirectory) return INDEX_MALFORMED;
      continue;
    }
    const status = place(node, inode, plan);
    if (status !== OK) return status;
    if (metadataBytes > <u64>u32.MAX_VALUE) return OUT_OF_MEMORY;
  }
  return nextChild === nodeCount ? OK : INDEX_MALFORMED;
}

/** Whether a node's name can be in a directory: nothing that would read as a path or end a string. */
function isName(node: usize): bool {
  const bytes = <u32>load<u16>(node, 4);
  const name = bytesAt(load<u32>(node), bytes);
  if (name === 0 || bytes === 0 || bytes > MAX_NAME_BYTES) return false;
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = load<u8>(name + i);
    if (byte === 0 || byte === 0x2f) return false;
  }
  return !(load<u8>(name) === 0x2e && (bytes === 1 || (bytes === 2 && load<u8>(name, 1) === 0x2e)));
}

function place(node: u32, inode: usize, plan: usize): i32 {
  let status = encodeXattrs(inode, 0);
  if (status !== OK) return status;
  store<u32>(plan, xattrBytes, 16);
  const head = <u64>INODE_BYTES + xattrBytes;
  let body: u64 = 0; // bytes of a directory's or link's content
  switch (load<u8>(inode)) {
    case ENTRY_REGULAR:
      status = planData(inode, plan);
      if (status !== OK) return status;
      break;
    case ENTRY_DIRECTORY:
      body = measureDirectory(node);
      store<u32>(plan, load<u32>(plan, 4) + 1 + subdirectories(node), 4);
      break;
    case ENTRY_SYMLINK:
      body = load<u32>(inode, 68);
      if (body === 0 || body > MAX_SYMLINK_BYTES || !isTarget(inode, <u32>body)) return INDEX_MALFORMED;
      break;
    case ENTRY_CHAR:
    case ENTRY_BLOCK:
      if (load<u32>(inode, 16) >= 1 << 12 || load<u32>(inode, 20) >= 1 << 20) return DEVICE_NUMBER_TOO_LARGE;
      break;
    case ENTRY_FIFO:
      break;
    default:
      return INDEX_MALFORMED;
  }
  if (body > <u64>u32.MAX_VALUE) return OUT_OF_MEMORY;

  let start = metadataBytes;
  let end = start + head;
  if (load<u8>(plan, 20) === LAYOUT_CHUNKED) {
    end = ((end + 7) & ~(<u64>7)) + <u64>load<u32>(plan, 24) * CHUNK_INDEX_BYTES;
  }
  if (body > 0) {
    store<u32>(plan, <u32>body, 12);
    let wholeBlocks = <u32>(body >> BLOCK_BITS);
    const tail = (<u32>body) & (BLOCK_BYTES - 1);
    if (tail > 0) {
      // A tail that would cross a border begins at the border, or as near behind it as the slots allow.
      const over = (<u32>(start + head)) & (BLOCK_BYTES - 1);
      if (over + tail > BLOCK_BYTES) start += (BLOCK_BYTES - over + NID_SLOT_BYTES - 1) & ~(NID_SLOT_BYTES - 1);
      if (((<u32>(start + head)) & (BLOCK_BYTES - 1)) + tail <= BLOCK_BYTES) {
        store<u8>(plan, LAYOUT_INLINE, 20);
        end = start + head + tail;
      } else {
        start = metadataBytes;
        wholeBlocks++;
      }
    }
    store<u32>(plan, dataBlocks, 8);
    if (dataBlocks + wholeBlocks < dataBlocks) return OUT_OF_MEMORY;
    dataBlocks += wholeBlocks;
  }
  store<u32>(plan, <u32>(start / NID_SLOT_BYTES));
  store<u32>(plan, ++placed, 28);
  metadataBytes = (end + NID_SLOT_BYTES - 1) & ~(<u64>(NID_SLOT_BYTES - 1));
  return OK;
}

function subdirectories(node: u32): u32 {
  const first = load<u32>(nodeAt(node), 12);
  const end = first + load<u32>(nodeAt(node), 16);
  let count: u32 = 0;
  for (let child = first; child < end; child++) {
    if (load<u8>(inodeAt(load<u32>(nodeAt(child), 8))) === ENTRY_DIRECTORY) count++;
  }
  return count;
}

function isTarget(inode: usize, bytes: u32): bool {
  const target = bytesAt(load<u32>(inode, 64), bytes);
  if (target === 0) return false;
  for (let i: u32 = 0; i < bytes; i++) if (load<u8>(target + i) === 0) return false;
  return true;
}

/** Second pass. */
function writeAll(metadata: usize, dataStart: u32): void {
  for (let node: u32 = 0; node < nodeCount; node++) {
    const number = load<u32>(nodeAt(node), 8);
    const plan = planAt(number);
    if (load<u8>(plan, 23) !== 0) continue;
    store<u8>(plan, 1, 23);
    writeInode(node, inodeAt(number), plan, metadata + <usize>load<u32>(plan) * NID_SLOT_BYTES, dataStart);
  }
}

function writeInode(node: u32, inode: usize, plan: usize, at: usize, dataStart: u32): void {
  const type = load<u8>(inode);
  const layout = load<u8>(plan, 20);
  const xattrs = load<u32>(plan, 16);
  const block = dataStart + load<u32>(plan, 8);
  const body = at + INODE_BYTES + xattrs;
  store<u16>(at, <u16>(1 | (layout << 1)));
  store<u16>(at, xattrs === 0 ? 0 : <u16>((xattrs - XATTR_HEADER_BYTES) / 4 + 1), 2);
  // Symbolic links have every permission, whatever the tar says.
  store<u16>(at, fileMode(type) | (type === ENTRY_SYMLINK ? 0o777 : load<u16>(inode, 2)), 4);
  store<u32>(at, load<u32>(plan, 28), 20);
  store<u32>(at, load<u32>(inode, 4), 24);
  store<u32>(at, load<u32>(inode, 8), 28);
  store<u64>(at, load<u64>(inode, 24), 32);
  store<u32>(at, load<u32>(inode, 32), 40);
  store<u32>(at, load<u32>(plan, 4), 44);
  if (xattrs > 0) encodeXattrs(inode, at + INODE_BYTES);
  switch (type) {
    case ENTRY_REGULAR:
      store<u64>(at, load<u64>(inode, 40), 8);
      if (layout === LAYOUT_CHUNKED) {
        store<u16>(at, (<u16>load<u8>(plan, 21)) | CHUNK_FORMAT_INDEXES, 16);
        writeChunks(inode, plan, (body + 7) & ~7);
      }
      break;
    case ENTRY_DIRECTORY: {
      store<u64>(at, load<u32>(plan, 12), 8);
      store<u32>(at, block, 16);
      const blocks = image + ((<usize>block) << BLOCK_BITS);
      const wholeBytes = load<u32>(plan, 12) & ~(BLOCK_BYTES - 1);
      writeDirectory(node, blocks, layout === LAYOUT_INLINE ? body : blocks + wholeBytes);
      break;
    }
    case ENTRY_SYMLINK: {
      const bytes = load<u32>(plan, 12);
      const target = bytesAt(load<u32>(inode, 64), bytes);
      const wholeBytes = layout === LAYOUT_INLINE ? bytes & ~(BLOCK_BYTES - 1) : bytes;
      store<u64>(at, bytes, 8);
      store<u32>(at, block, 16);
      memory.copy(image + ((<usize>block) << BLOCK_BITS), target, wholeBytes);
      memory.copy(body, target + wholeBytes, bytes - wholeBytes);
      break;
    }
    case ENTRY_CHAR:
    case ENTRY_BLOCK: {
      // new_encode_dev of Linux.
      const minor = load<u32>(inode, 20);
      store<u32>(at, (minor & 0xff) | (load<u32>(inode, 16) << 8) | ((minor & ~0xff) << 12), 16);
      break;
    }
    default:
      break;
  }
}

/** S_IF* of Linux. */
function fileMode(type: u8): u16 {
  switch (type) {
    case ENTRY_DIRECTORY:
      return 0x4000;
    case ENTRY_CHAR:
      return 0x2000;
    case ENTRY_BLOCK:
      return 0x6000;
    case ENTRY_FIFO:
      return 0x1000;
    case ENTRY_SYMLINK:
      return 0xa000;
    default:
      return 0x8000;
  }
}
