import type { AsyncCallOptions, Reply } from "./native.ts";
import { call, callAsync, request } from "./native.ts";
import type { PathLike, RequestWriter } from "./message.ts";
import { OPERATION } from "./operation.ts";
import { takeResult } from "./result.ts";

export interface WalkOptions {
  /**
   * What the kernel's overlay keeps in the tree: `trusted` (the upper directory of an overlay mounted by root: char
   * devices 0:0 are whiteouts, trusted.overlay.opaque marks opaque directories, other trusted.overlay.* are dropped),
   * `user` (the same with user.overlay.*, mount option userxattr), `none` (an ordinary tree: everything as it is).
   * Default `trusted`.
   */
  overlay?: "trusted" | "user" | "none";
  /** Also a record, the first, for the root directory itself, with an empty path. Default false. */
  includeRoot?: boolean;
  /** Whether to look for extended attributes at all. Default true. */
  xattrs?: boolean;
  /**
   * In files of at least this many bytes, runs of zeros (blocks of 4 KiB, 64 KiB in a row) are holes as well, and nothing else is:
   * the same content then has the same extents on every file system. Such files are read. Default: what the file system says.
   */
  zerosFromBytes?: number;
  /** Only what has this name in the root: a file or a tree, with records whose paths begin with the name. */
  name?: PathLike;
  /** Also what is mounted in the tree, but for the kernel's own interfaces (proc, sysfs ...). Default false. */
  enterMounts?: boolean;
  /** With `enterMounts`: paths at which nothing that is mounted is entered. */
  leaves?: readonly PathLike[];
}

export interface WalkedTree {
  /**
   * Entry records (wasm/common/format.ts, section 1), depth first, the names of a directory in bytewise order, a directory before its
   * content: the same tree gives the same bytes but for inode numbers. Paths are relative, without a leading `./`. A name of an inode seen before is an
   * ENTRY_HARDLINK to the first path, with the inode's attributes. A sparse file carries its data extents; one that is
   * nothing but a hole has the single extent { size, 0 }.
   */
  records: Uint8Array;
  entryCount: number;
  /** Paths of sockets, which no archive can hold and which have no record. */
  skippedSockets: Uint8Array[];
}

function walkRequest(root: PathLike, options: WalkOptions): RequestWriter {
  return request()
    .text("root", root)
    .u32("overlay", ["trusted", "user", "none"].indexOf(options.overlay ?? "trusted"))
    .bool("includeRoot", options.includeRoot ?? false)
    .bool("xattrs", options.xattrs ?? true)
    .u64("zerosFromBytes", options.zerosFromBytes ?? 0)
    .text("name", options.name ?? "")
    .bool("enterMounts", options.enterMounts ?? false)
    .texts("leaves", options.leaves ?? []);
}

/** The result is { u32 socketCount, sockets..., records }, sockets as u32 length and bytes. */
function walkedTree(reply: Reply): WalkedTree {
  const bytes = takeResult(reply);
  const view = new DataView(bytes.buffer);
  const skippedSockets: Uint8Array[] = [];
  let offset = 8;
  for (let left = view.getUint32(0, true); left > 0; left--) {
    const length = view.getUint32(offset, true);
    skippedSockets.push(bytes.slice(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  const records = bytes.subarray((offset + 7) & ~7);
  return { records, entryCount: reply.result, skippedSockets };
}

/**
 * Describes a directory tree, an overlay's upper directory for example. No symbolic link is followed, not even in the
 * middle of a path when somebody changes the tree meanwhile, and no mount point below `root` is entered unless asked for.
 * @throws SYSTEM_CALL_FAILED, PERMISSION
 */
export function walkTree(root: PathLike, options: WalkOptions = {}): WalkedTree {
  return walkedTree(call(OPERATION.walkTree, walkRequest(root, options)));
}

/** {@link walkTree} on another thread; progress counts entries. */
export async function walkTreeAsync(
  root: PathLike,
  options: WalkOptions & Pick<AsyncCallOptions, "signal" | "onProgress"> = {},
): Promise<WalkedTree> {
  return walkedTree(await callAsync(OPERATION.walkTree, walkRequest(root, options), options));
}

export interface ExtractOptions extends Pick<AsyncCallOptions, "signal" | "onProgress"> {
  /** Threads that create files, 1 to 16. Default 2. */
  threads?: number;
}

/**
 * Makes the tree of a merged layer index (format.ts, section 2, INDEX_MERGED) as real files: types, modes, owners,
 * times (access time = modification time), xattrs, hard links, holes. `tars[i]` is the uncompressed tar of layer i.
 * `target` is made if it is missing and must be empty. The index is not trusted: every offset is checked before use and nothing outside
 * `target` can be named. Not durable on return (see `syncFileSystem`); after an error or a cancel, what was made is
 * left for the caller to remove. Progress counts bytes of files.
 * @throws LAYER_INDEX_INVALID, SYSTEM_CALL_FAILED, NO_SPACE, PERMISSION, CANCELLED
 */
export async function extractTree(
  index: Uint8Array,
  tars: readonly PathLike[],
  target: PathLike,
  options: ExtractOptions = {},
): Promise<void> {
  const fields = request()
    .text("target", target)
    .u32("threads", options.threads ?? 2)
    .texts("tars", tars);
  await callAsync(OPERATION.extractTree, fields, { ...options, data: index });
}

/**
 * Removes a file or a tree without following symbolic links or entering mount points (a mount point gives EBUSY).
 * A path that is not there is no error.
 * @throws SYSTEM_CALL_FAILED, PERMISSION, CANCELLED
 */
export async function removeTree(path: PathLike, options: Pick<AsyncCallOptions, "signal"> = {}): Promise<void> {
  await callAsync(OPERATION.removeTree, request().text("path", path), options);
}
