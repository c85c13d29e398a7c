import { closeSync, constants, fstatSync, type Stats } from "node:fs";
import { openIn, readLinkIn } from "../bridge/index.ts";
import { GantryError, isGantryError } from "../errors/index.ts";

/** A file in a root, and how it was reached. */
export interface FoundFile {
  /** O_PATH; the caller closes it. */
  fd: number;
  stat: Stats;
  /** Where it is: a path in the root, parents not yet resolved. */
  path: string;
}

/** <fcntl.h>; node does not name it. */
const O_PATH = 0o10000000;
const MAX_LINKS = 40;
const MISSING = ["ENOENT", "ENOTDIR"];

/** Opens a path in a root; undefined if there is nothing, or its way leads through something that is no directory. */
export function findIn(root: number, path: string, followLast: boolean): FoundFile | undefined {
  try {
    const fd = openIn(root, path, O_PATH | (followLast ? 0 : constants.O_NOFOLLOW));
    return { fd, stat: fstatSync(fd), path };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Opens a directory in a root to make names in it; undefined if there is none. */
export function openDirectoryIn(root: number, path: string): number | undefined {
  try {
    return openIn(root, path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Where a path leads when the symbolic links at its end are followed, one by one: a last name that is no link, whether
 * there is a file of that name or not. Directories on the way are left to the kernel, inside of the root.
 * @throws PATH_SYMLINK_LOOP
 */
export function followLinks(root: number, path: string): string {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const found = findIn(root, at, false);
    if (found === undefined) return at;
    closeSync(found.fd);
    if (!found.stat.isSymbolicLink()) return at;
    const target = readLinkIn(root, at).toString();
    // As text: ".." in it is meant from where the link really is.
    at = target.startsWith("/") ? target : `${parentOf(at)}/${target}`;
  }
  throw new GantryError("PATH_SYMLINK_LOOP", `cannot find "${path}": too many symbolic links`);
}

/** The part before the last name; `/` at the top. */
export function parentOf(path: string): string {
  const slash = path.replace(/\/+$/, "").lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

function isMissing(error: unknown): boolean {
  return isGantryError(error, "SYSTEM_CALL_FAILED") && MISSING.includes(String(error.details["name"]));
}
