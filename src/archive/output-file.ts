import { randomBytes } from "node:crypto";
import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileError, GantryError } from "../errors/index.ts";
import { requireSpace } from "../store/free-space.ts";

/** A file to be made or replaced, or an open descriptor: standard output, a pipe. */
export type OutputTarget = { path: string } | { fd: number };

/**
 * Lets `write` fill a target of about `totalBytes` bytes. A file is made or replaced under another name first, so that
 * whoever looks sees the old file or the whole new one, and a failure leaves no trace. Devices and pipes are written
 * directly.
 * @throws OUTPUT_INVALID, NO_SPACE, SYSTEM_CALL_FAILED, what `write` throws
 */
export async function writeOutput<T>(
  target: OutputTarget,
  totalBytes: number,
  write: (fd: number) => Promise<T>,
): Promise<T> {
  if ("fd" in target) return await write(target.fd);
  try {
    return await writeFile(target.path, totalBytes, write);
  } catch (error) {
    // What `write` throws is gantry's already, and says what it was about.
    throw error instanceof GantryError ? error : fileError(error, `cannot write ${target.path}`);
  }
}

async function writeFile<T>(path: string, totalBytes: number, write: (fd: number) => Promise<T>): Promise<T> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw invalid(path, "it is a directory");
  if (found !== undefined && !found.isFile()) return await intoFile(openSync(path, "w"), write);
  const file = found === undefined ? path : realpathSync(path);
  const directory = dirname(file);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalid(path, `the directory ${JSON.stringify(directory)} does not exist`);
  }
  requireSpace(directory, totalBytes, `writing ${path}`);
  const fresh = join(directory, `.${basename(file)}.${randomBytes(6).toString("hex")}`);
  try {
    const result = await intoFile(openSync(fresh, "wx", 0o600), write);
    renameSync(fresh, file);
    return result;
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

async function intoFile<T>(fd: number, write: (fd: number) => Promise<T>): Promise<T> {
  try {
    return await write(fd);
  } finally {
    closeSync(fd);
  }
}

function invalid(path: string, why: string): GantryError {
  return new GantryError("OUTPUT_INVALID", `invalid output path ${JSON.stringify(path)}: ${why}`, {
    remedy: "Give the name of a file in a directory that exists.",
  });
}
