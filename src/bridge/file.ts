import { type PathLike, type RequestWriter } from "./message.ts";
import { call, callAsync, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/**
 * Opens `path` as a process chrooted to `root` would: symbolic links, also absolute ones and `..`, stay inside
 * (openat2, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). `root` is a directory's path or descriptor. `flags` and `mode` as
 * for open(2) (node:fs `constants`); O_CLOEXEC is added. The caller closes the descriptor.
 * @throws SYSTEM_CALL_FAILED, PERMISSION
 */
export function openIn(root: PathLike | number, path: PathLike, flags: number, mode = 0o666): number {
  const fields = rootField(root).text("path", path).u32("flags", flags).u32("mode", mode);
  return call(OPERATION.openIn, fields).result;
}

/**
 * The target of a symbolic link, found as `openIn` finds it, as raw bytes.
 * @param root a directory's descriptor
 * @throws SYSTEM_CALL_FAILED (EINVAL if it is no symbolic link), PERMISSION
 */
export function readLinkIn(root: number, path: PathLike): Buffer {
  return Buffer.from(call(OPERATION.readLinkIn, request().fd("root", root).text("path", path)).reply.bytes());
}

function rootField(root: PathLike | number): RequestWriter {
  return typeof root === "number"
    ? request().bool("isDescriptor", true).fd("root", root)
    : request().bool("isDescriptor", false).text("root", root);
}

/** Asks the kernel to start writing a range to the disk now, and returns at once: spreads the cost of a later fsync. */
export function startWriteback(fd: number, offset: number, length: number): void {
  call(OPERATION.syncRange, request().fd("fd", fd).u64("offset", offset).u64("length", length));
}

/**
 * fsync(2) of files and directories, several at a time.
 * @throws SYSTEM_CALL_FAILED, NO_SPACE, PERMISSION
 */
export function syncFiles(paths: readonly PathLike[]): void {
  call(OPERATION.syncFiles, request().texts("paths", paths));
}

/** The same on another thread, for what may be large. */
export async function syncFilesAsync(paths: readonly PathLike[]): Promise<void> {
  await callAsync(OPERATION.syncFiles, request().texts("paths", paths));
}

/** syncfs(2) on another thread: everything written to the file system that holds `fd` is durable when it resolves. */
export async function syncFileSystem(fd: number): Promise<void> {
  await callAsync(OPERATION.syncFileSystem, request().fd("fd", fd));
}

/**
 * Reserves blocks so that later writes cannot run out of space; the file's size stays. Does nothing where the file
 * system cannot do it.
 * @throws NO_SPACE
 */
export function preallocate(fd: number, offset: number, length: number): void {
  allocate(fd, offset, length, false);
}

/** Turns a range of a file into a hole; its size stays. Returns whether the file system can do that. */
export function punchHole(fd: number, offset: number, length: number): boolean {
  return allocate(fd, offset, length, true);
}

function allocate(fd: number, offset: number, length: number, hole: boolean): boolean {
  if (length === 0) return true;
  const fields = request().fd("fd", fd).u64("offset", offset).u64("length", length).bool("hole", hole);
  return call(OPERATION.allocate, fields).result === 1;
}

/**
 * renameat2 with RENAME_NOREPLACE: like rename, but returns false, changing nothing, if `to` is taken.
 * @throws SYSTEM_CALL_FAILED
 */
export function renameNoReplace(from: PathLike, to: PathLike): boolean {
  const fields = request().text("from", from).text("to", to).bool("exchange", false);
  return call(OPERATION.rename, fields).result === 1;
}

/** Swaps two paths atomically (RENAME_EXCHANGE); both must exist. */
export function renameExchange(a: PathLike, b: PathLike): void {
  call(OPERATION.rename, request().text("from", a).text("to", b).bool("exchange", true));
}

/**
 * Gives an open file without a name (O_TMPFILE) the name `path`, in the same file system. Returns false, changing nothing,
 * if that is taken. Needs /proc.
 * @throws SYSTEM_CALL_FAILED, PERMISSION
 */
export function linkDescriptor(fd: number, path: PathLike): boolean {
  return call(OPERATION.linkDescriptor, request().fd("fd", fd).text("path", path)).result === 1;
}
