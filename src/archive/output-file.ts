import { closeSync, fchmodSync, fchownSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileError, GantryError } from "../errors/index.ts";
import { requireSpace } from "../store/free-space.ts";
import { openForStream } from "./cancellable.ts";
import { UnfinishedFile } from "./unfinished-file.ts";

/** A file to be made or replaced, or an open descriptor: standard output, a pipe. */
export type OutputTarget = { path: string } | { fd: number };

/**
 * Lets `write` fill a target of about `totalBytes` bytes. A file is made or replaced at the end, so that whoever looks sees
 * the old file or the whole new one, and a failure leaves no trace. A new one is its owner's alone (mode 0600), one that
 * replaces another keeps its mode and owner. Devices and pipes are written directly.
 * @throws OUTPUT_INVALID, NO_SPACE, SYSTEM_CALL_FAILED, CANCELLED (a named pipe that nobody opens), what `write` throws
 */
export async function writeOutput<T>(
  target: OutputTarget,
  totalBytes: number,
  signal: AbortSignal,
  write: (fd: number) => Promise<T>,
): Promise<T> {
  if ("fd" in target) return await write(target.fd);
  try {
    return await writeFile(target.path, totalBytes, signal, write);
  } catch (error) {
    // What `write` throws is gantry's already, and says what it was about.
    throw error instanceof GantryError ? error : fileError(error, `cannot write ${target.path}`);
  }
}

async function writeFile<T>(
  path: string,
  totalBytes: number,
  signal: AbortSignal,
  write: (fd: number) => Promise<T>,
): Promise<T> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw invalidOutput(path, "it is a directory");
  if (found !== undefined && !found.isFile()) return await intoDevice(path, signal, write);
  const file = found === undefined ? path : realpathSync(path);
  requireParent(path, file);
  requireSpace(dirname(file), totalBytes, `writing ${path}`);
  const output = UnfinishedFile.create(file, 0o600);
  try {
    const result = await write(output.fd);
    if (found !== undefined) inherit(output.fd, found);
    output.finish();
    return result;
  } finally {
    output.discard();
  }
}

async function intoDevice<T>(path: string, signal: AbortSignal, write: (fd: number) => Promise<T>): Promise<T> {
  const fd = await openForStream(path, "w", signal);
  try {
    return await write(fd);
  } finally {
    closeSync(fd);
  }
}

/** Owner and mode of the file that is replaced, as far as we may. */
function inherit(fd: number, { uid, gid, mode }: Stats): void {
  try {
    fchownSync(fd, uid, gid);
  } catch {
    // Another's file in a directory that we may write to: the new one is ours, with the bits for others as they were.
  }
  fchmodSync(fd, mode & 0o777);
}

/** @throws OUTPUT_INVALID if the directory of `file`, which messages call `path`, does not exist */
export function requireParent(path: string, file: string): void {
  const directory = dirname(file);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw invalidOutput(path, `the directory ${JSON.stringify(directory)} does not exist`);
}

export function invalidOutput(
  path: string,
  why: string,
  remedy = "Give the name of a file in a directory that exists.",
): GantryError {
  return new GantryError("OUTPUT_INVALID", `invalid output path ${JSON.stringify(path)}: ${why}`, { remedy });
}
