import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { fileError } from "../kernels/ingest-layer.ts";
import type { LowerPlan } from "./snapshotter.ts";

export interface RootAttributes {
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
}

/**
 * Makes a container's upper directory. An overlay shows its upper directory's attributes as those of "/", so it gets the
 * image's: owner and mode of the base's root.
 * @throws SYSTEM_CALL_FAILED, NO_SPACE, STORE_CORRUPT
 */
export function makeUpperDirectory(path: string, lower: LowerPlan): void {
  const { mode, uid, gid } = rootAttributes(lower);
  try {
    mkdirSync(path, { mode: 0o700 });
    if (uid !== process.geteuid?.() || gid !== process.getegid?.()) chownSync(path, uid, gid);
    chmodSync(path, mode);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Owner and mode of a base's root directory, read without mounting it. @throws STORE_CORRUPT */
export function rootAttributes(lower: LowerPlan): RootAttributes {
  if (lower.type === "empty") return { mode: 0o755, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  if (lower.type === "directory") {
    const { mode, uid, gid } = statSync(lower.path);
    return { mode: mode & 0o7777, uid, gid };
  }
  return erofsRoot(lower.image);
}

/** Reads the superblock (at 1024: root nid at 14, metadata block at 40) and the root's 64-byte inode. */
function erofsRoot(image: string): RootAttributes {
  const fd = openSync(image, "r");
  try {
    const bytes = Buffer.alloc(64);
    const read = (position: number): void => {
      if (readSync(fd, bytes, 0, 64, position) === 64) return;
      throw new GantryError("STORE_CORRUPT", `${image} is cut off`, { remedy: "Remove the file; it is made again." });
    };
    read(1024);
    read(bytes.readUInt32LE(40) * 512 + bytes.readUInt16LE(14) * 32);
    return { mode: bytes.readUInt16LE(4) & 0o7777, uid: bytes.readUInt32LE(24), gid: bytes.readUInt32LE(28) };
  } finally {
    closeSync(fd);
  }
}
