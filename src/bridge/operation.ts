/**
 * The operations behind the door. Its twin is native/bridge/src/operation.rs: same names, same numbers, same fields in
 * the same order. Numbers are never reused.
 */
export const OPERATION = {
  takeResult: 1,
  lockFile: 10,
  isLocked: 11,
  walkTree: 20,
  extractTree: 21,
  removeTree: 22,
  copyTree: 23,
  untarBegin: 24,
  untarPush: 25,
  untarFinish: 26,
  untarAbandon: 27,
  copyFileRange: 30,
  openIn: 40,
  syncRange: 41,
  syncFileSystem: 42,
  allocate: 43,
  rename: 44,
  linkDescriptor: 45,
  readLinkIn: 46,
  readSmallFiles: 47,
  syncFiles: 48,
  listXattrs: 50,
  getXattr: 51,
  setXattr: 52,
  removeXattr: 53,
  spawnDetached: 60,
  connectUnix: 61,
  probeErofsFile: 70,
  openRoot: 71,
} as const;

export type Operation = (typeof OPERATION)[keyof typeof OPERATION];
