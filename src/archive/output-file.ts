import { randomBytes } from "node:crypto";
import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { GantryError } from "../errors/index.ts";
import { requireSpace } from "../store/free-space.ts";

/**
 * Makes or replaces the file `path` with what `write` writes: under another name first, so that whoever looks sees the
 * old file or the whole new one, and a failure leaves no trace. Devices and pipes are written directly.
 * @throws OUTPUT_INVALID, NO_SPACE, what `write` throws
 */
export async function writeOutputFile(
  path: string,
  totalBytes: number,
  write: (fd: number) => Promise<void>,
): Promise<void> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw invalid(path, "it is a directory");
  if (found !== undefined && !found.isFile()) {
    await intoFile(openSync(path, "w"), write);
    return;
  }
  const target = found === undefined ? path : realpathSync(path);
  const directory = dirname(target);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalid(path, `the directory ${JSON.stringify(directory)} does not exist`);
  }
  requireSpace(directory, totalBytes, `writing ${path}`);
  const fresh = join(directory, `.${basename(target)}.${randomBytes(6).toString("hex")}`);
  try {
    await intoFile(openSync(fresh, "wx", 0o600), write);
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

async function intoFile(fd: number, write: (fd: number) => Promise<void>): Promise<void> {
  try {
    await write(fd);
  } finally {
    closeSync(fd);
  }
}

function invalid(path: string, why: string): GantryError {
  return new GantryError("OUTPUT_INVALID", `invalid output path ${JSON.stringify(path)}: ${why}`, {
    remedy: "Give the name of a file in a directory that exists.",
  });
}
