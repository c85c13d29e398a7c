/**
 * The only door to native code. Nothing is loaded before the first call. Every function may throw SYSTEM_CALL_FAILED,
 * NO_SPACE or PERMISSION with `details` { step, errno, name, path }, PATH_INVALID for a path with a NUL in it, and
 * NATIVE_MISSING if gantry has not been built. Main thread only.
 */
export { type CopyRange, copyFileRange, copyFileRangeAsync } from "./copy.ts";
export {
  openIn,
  preallocate,
  punchHole,
  renameExchange,
  renameNoReplace,
  startWriteback,
  syncFileSystem,
} from "./file.ts";
export { type ErofsSupport, kernelVersion, probeErofsFile } from "./kernel.ts";
export { type FileLock, isLocked, lockFile, type LockMode, type LockOptions, tryLockFile } from "./lock.ts";
export type { PathLike } from "./message.ts";
export { connectUnix } from "./socket.ts";
export { type DetachedProcess, spawnDetached, type SpawnOptions } from "./spawn.ts";
export { errnoName } from "./system-error.ts";
export {
  extractTree,
  type ExtractOptions,
  removeTree,
  type WalkedTree,
  type WalkOptions,
  walkTree,
  walkTreeAsync,
} from "./tree.ts";
export { getXattr, listXattrs, removeXattr, setXattr, type XattrTarget } from "./xattr.ts";
