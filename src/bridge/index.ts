/**
 * The only door to native code. Nothing is loaded before the first call. Every function may throw SYSTEM_CALL_FAILED,
 * NO_SPACE or PERMISSION with `details` { step, errno, name, path }, PATH_INVALID for a path with a NUL in it, and
 * NATIVE_MISSING if gantry has not been built. Main thread only.
 */
export { copyFileRange, copyFileRangeAsync } from "./copy.ts";
export { type CopiedTree, type CopyOwner, type CopyTreeOptions, copyTree } from "./copy-tree.ts";
export {
  linkDescriptor,
  openIn,
  preallocate,
  punchHole,
  readLinkIn,
  renameExchange,
  renameNoReplace,
  startWriteback,
  syncFiles,
  syncFilesAsync,
  syncFileSystem,
} from "./file.ts";
export { kernelVersion, probeErofsFile } from "./kernel.ts";
export { type FileLock, isLocked, lockFile, tryLockFile } from "./lock.ts";
export { openRoot, type RootLayers } from "./root.ts";
export { readSmallFiles, type SmallFiles } from "./small-files.ts";
export { connectUnix } from "./socket.ts";
export { spawnDetached } from "./spawn.ts";
export { errnoName } from "./system-error.ts";
export { extractTree, removeTree, type WalkedTree, walkTree, walkTreeAsync } from "./tree.ts";
export { Untar } from "./untar.ts";
export { getXattr, listXattrs, removeXattr, setXattr } from "./xattr.ts";
