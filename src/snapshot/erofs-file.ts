import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { Digest } from "../image/types.ts";

/** Raised when the writer changes what it writes, so that images of an older gantry are made again. */
const WRITER_VERSION = 1;

const SUPERBLOCK = 1024;
const DEVICE_TABLE = 1152;
const SLOT_BYTES = 128;
const BLOCK_BYTES = 512;

/** The file system's UUID: tells chain from chain and writer from writer. A digest's first bytes are as good as random. */
export function erofsUuid(chain: Digest): Uint8Array {
  const uuid = Buffer.from(chain.slice("sha256:".length, "sha256:".length + 32), "hex");
  uuid[15] = WRITER_VERSION;
  return uuid;
}

/**
 * Whether the EROFS file at `path` is whole and was made by this writer from layers of these sizes; `spill` is where its
 * spill file would be. Returns the number of its devices, or undefined: it is to be made again.
 */
export function checkErofsFile(
  path: string,
  uuid: Uint8Array,
  layerBytes: readonly number[],
  spill: string,
): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const head = Buffer.alloc(DEVICE_TABLE + SLOT_BYTES * (layerBytes.length + 1));
    if (readSync(fd, head, 0, head.length, 0) < DEVICE_TABLE + SLOT_BYTES * layerBytes.length) return undefined;
    if (head.readUInt32LE(SUPERBLOCK) !== 0xe0f5e1e2) return undefined;
    if (!head.subarray(SUPERBLOCK + 48, SUPERBLOCK + 64).equals(uuid)) return undefined;
    if (fstatSync(fd).size !== head.readUInt32LE(SUPERBLOCK + 36) * BLOCK_BYTES) return undefined;
    const devices = head.readUInt16LE(SUPERBLOCK + 86);
    if (devices !== layerBytes.length && devices !== layerBytes.length + 1) return undefined;
    const sizes = [...layerBytes];
    if (devices > layerBytes.length) sizes.push(statSync(spill, { throwIfNoEntry: false })?.size ?? -1);
    const isWhole = sizes.every(
      (size, i) => head.readUInt32LE(DEVICE_TABLE + SLOT_BYTES * i + 64) === Math.ceil(size / BLOCK_BYTES),
    );
    return isWhole ? devices : undefined;
  } finally {
    closeSync(fd);
  }
}
