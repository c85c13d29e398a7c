/** Compares what two nodes of the same path name. */
import { ENTRY_BLOCK, ENTRY_CHAR, ENTRY_DIRECTORY, ENTRY_REGULAR, ENTRY_SYMLINK } from "../common/format";
import { Layer } from "../layer/input";
import {
  WHAT_CONTENT,
  WHAT_CONTENT_UNKNOWN,
  WHAT_DEVICE,
  WHAT_LINK_TARGET,
  WHAT_LINKS,
  WHAT_LINKS_PENDING,
  WHAT_MODE,
  WHAT_MTIME,
  WHAT_OWNER,
  WHAT_TYPE,
  WHAT_XATTRS,
} from "./state";
import { sameXattrs } from "./xattrs";

/** Numbers of the places where the data of each tree's layers are: equal numbers are the same place. */
let sourcesA: usize = 0;
let sourcesB: usize = 0;

export function setSources(a: usize, b: usize): void {
  sourcesA = a;
  sourcesB = b;
}

/** Their difference but for hard links: WHAT_*. */
export function compareInodes(a: Layer, inodeA: usize, b: Layer, inodeB: usize): u32 {
  const type = load<u8>(inodeA);
  let what: u32 = 0;
  // The mode of a symbolic link means nothing.
  if (type !== ENTRY_SYMLINK || load<u8>(inodeB) !== type) {
    if (load<u16>(inodeA, 2) !== load<u16>(inodeB, 2)) what |= WHAT_MODE;
  }
  if (load<u64>(inodeA, 4) !== load<u64>(inodeB, 4)) what |= WHAT_OWNER;
  if (load<u64>(inodeA, 24) !== load<u64>(inodeB, 24) || load<u32>(inodeA, 32) !== load<u32>(inodeB, 32)) {
    what |= WHAT_MTIME;
  }
  if (
    !sameXattrs(
      <usize>a.pool + load<u32>(inodeA, 72),
      load<u32>(inodeA, 76),
      <usize>b.pool + load<u32>(inodeB, 72),
      load<u32>(inodeB, 76),
    )
  ) {
    what |= WHAT_XATTRS;
  }
  if (type !== load<u8>(inodeB)) return what | WHAT_TYPE;
  if (type === ENTRY_REGULAR) return what | compareContent(inodeA, inodeB);
  if (type === ENTRY_SYMLINK) return sameTarget(a, inodeA, b, inodeB) ? what : what | WHAT_LINK_TARGET;
  if (type === ENTRY_CHAR || type === ENTRY_BLOCK) {
    return load<u64>(inodeA, 16) === load<u64>(inodeB, 16) ? what : what | WHAT_DEVICE;
  }
  return what;
}

function compareContent(inodeA: usize, inodeB: usize): u32 {
  const size = load<u64>(inodeA, 40);
  if (size !== load<u64>(inodeB, 40)) return WHAT_CONTENT;
  if (size === 0) return 0;
  const sourceA = load<u32>(sourcesA + ((<usize>load<u32>(inodeA, 36)) << 2));
  const sourceB = load<u32>(sourcesB + ((<usize>load<u32>(inodeB, 36)) << 2));
  if (sourceA === sourceB && load<u64>(inodeA, 48) === load<u64>(inodeB, 48)) return 0;
  return WHAT_CONTENT_UNKNOWN;
}

function sameTarget(a: Layer, inodeA: usize, b: Layer, inodeB: usize): bool {
  const bytes = load<u32>(inodeA, 68);
  if (bytes !== load<u32>(inodeB, 68)) return false;
  return memory.compare(<usize>a.pool + load<u32>(inodeA, 64), <usize>b.pool + load<u32>(inodeB, 64), bytes) === 0;
}

/** Set in an inode's count of pairs: its names are names of different files in the other tree. */
const SCATTERED: u32 = 0x80000000;

/** Per inode of the first tree, how many of its names name its partner in the second. */
let pairs: usize = 0;

export function setPairs(counts: usize): void {
  pairs = counts;
}

/** Takes note that a name names `i` in the first tree and `j` in the second; WHAT_LINKS, WHAT_LINKS_PENDING or 0. */
export function compareLinks(a: Layer, i: u32, inodeA: usize, j: u32, inodeB: usize): u32 {
  if (load<u8>(inodeA) === ENTRY_DIRECTORY || load<u8>(inodeB) === ENTRY_DIRECTORY) return 0;
  const links = load<u32>(inodeA, 12);
  if (links !== load<u32>(inodeB, 12)) return WHAT_LINKS;
  if (links < 2) return 0;
  const partner = <usize>a.outInodes + ((<usize>i) << 2);
  const count = pairs + ((<usize>i) << 2);
  if (load<u32>(partner) === 0) store<u32>(partner, j + 1);
  if (load<u32>(partner) === j + 1) store<u32>(count, load<u32>(count) + 1);
  else store<u32>(count, load<u32>(count) | SCATTERED);
  return WHAT_LINKS_PENDING;
}

/** When all names have been seen: whether the inode has the same names in both trees. */
export function keptLinks(i: u32, inodeA: usize): bool {
  return load<u32>(pairs + ((<usize>i) << 2)) === load<u32>(inodeA, 12);
}
