import {
  BLOCK_BITS,
  BLOCK_BYTES,
  DEVICE_SLOT_BYTES,
  FEATURES_COMPATIBLE,
  FEATURE_CHUNKED_FILE,
  FEATURE_DEVICE_TABLE,
  SUPERBLOCK_BYTES,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
} from "./disk-format";

/** Where the device table begins: right behind the superblock. */
const DEVICE_TABLE_OFFSET: u32 = SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES;

/** The first block of the metadata area. */
export function metadataBlock(deviceCount: u32): u32 {
  return (DEVICE_TABLE_OFFSET + deviceCount * DEVICE_SLOT_BYTES + BLOCK_BYTES - 1) >> BLOCK_BITS;
}

/** Describes an extra device. `tag`: 64 bytes, or 0 for none. */
export function writeDevice(image: usize, device: u32, bytes: u64, tag: usize): void {
  const slot = image + DEVICE_TABLE_OFFSET + device * DEVICE_SLOT_BYTES;
  if (tag !== 0) memory.copy(slot, tag, 64);
  store<u32>(slot, <u32>((bytes + BLOCK_BYTES - 1) >> BLOCK_BITS), 64);
}

/** Last of all: the checksum covers the rest of the superblock's block, device slots included. */
export function writeSuperblock(image: usize, rootNid: u16, inodes: u32, blocks: u32, devices: u32, uuid: usize): void {
  const at = image + SUPERBLOCK_OFFSET;
  store<u32>(at, SUPERBLOCK_MAGIC);
  store<u32>(at, FEATURES_COMPATIBLE, 8);
  store<u8>(at, <u8>BLOCK_BITS, 12);
  store<u16>(at, rootNid, 14);
  store<u64>(at, inodes, 16);
  store<u32>(at, blocks, 36);
  store<u32>(at, metadataBlock(devices), 40);
  memory.copy(at + 48, uuid, 16);
  store<u32>(at, FEATURE_CHUNKED_FILE | (devices > 0 ? FEATURE_DEVICE_TABLE : 0), 80);
  store<u16>(at, <u16>devices, 86);
  store<u16>(at, <u16>(DEVICE_TABLE_OFFSET / DEVICE_SLOT_BYTES), 88);
  store<u32>(at, crc32c(at, BLOCK_BYTES), 4);
}

/** CRC-32C (RFC 3720, appendix B.4) as the kernel computes it: seeded with ones, not inverted at the end. */
function crc32c(at: usize, bytes: u32): u32 {
  let crc: u32 = 0xffffffff;
  for (let i: u32 = 0; i < bytes; i++) {
    crc ^= load<u8>(at + i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82f63b78 & (0 - (crc & 1)));
  }
  return crc;
}
