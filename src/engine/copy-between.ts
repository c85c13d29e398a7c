import { closeSync, constants, fstatSync, lstatSync, type Stats } from "node:fs";
import { posix } from "node:path";
import { type CopiedTree, type CopyOwner, copyTree, removeTree } from "../bridge/index.ts";
import { GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { copyError } from "./copy-error.ts";
import { findIn, type FoundFile, followLinks, openDirectoryIn, parentOf } from "./copy-lookup.ts";
import type { CopyPath } from "./copy-path.ts";
import { type CopyDestination, placeCopy } from "./copy-rules.ts";

/** One end of a copy: a root, a path in it, and what to call it in messages. */
export interface CopySide {
  /** O_PATH descriptor of the root; `/` for the host. */
  root: number;
  at: CopyPath;
  /** The error for a path that is not there. */
  missing(path: string): GantryError;
  /** How messages call the destination: `c:/x`. */
  shown: string;
}

export interface CopyBetweenOptions {
  followLink: boolean;
  owner: CopyOwner;
  /** Absolute paths in the source's root: mount points there are copied as empty directories. */
  leaves?: readonly string[];
  /** Called with the open directory that will be written to, before anything is. */
  check?(directory: number): void;
  /** Name of the progress task. */
  task: string;
}

/**
 * Copies from one root to another by the rules of `cp` (copy-rules.ts). Neither tree leads the copy out of its root. A copy
 * that is cancelled leaves nothing where nothing was; what it merged into a directory that was there stays.
 * @throws COPY_CONFLICT, PATH_NOT_FOUND, PATH_SYMLINK_LOOP, CANCELLED, NO_SPACE, PERMISSION, SYSTEM_CALL_FAILED
 */
export async function copyBetween(
  source: CopySide,
  target: CopySide,
  options: CopyBetweenOptions,
  reporter: Reporter,
): Promise<CopiedTree> {
  const found = findSource(source, options.followLink);
  let directory: number | undefined;
  try {
    const isDirectory = found.stat.isDirectory();
    const path = followLinks(target.root, target.at.path);
    const { name, contentsOnly } = { name: source.at.name, contentsOnly: isWhole(source.at) };
    const destination = { state: destinationState(target, path), assertsDirectory: target.at.ending !== "" };
    const placement = placeCopy({ isDirectory, contentsOnly, name }, destination);
    const into = placement.into === "destination" ? path : parentOf(path);
    directory = openDirectoryIn(target.root, into);
    if (directory === undefined) throw target.missing(into);
    options.check?.(directory);
    const { task } = options;
    const totals = found.stat.isFile() ? { totalBytes: found.stat.size } : {};
    reporter.emit({ kind: "start", task, label: `Copying ${source.shown}`, ...totals });
    const copyName = placement.into === "destination" ? placement.name : posix.basename(path);
    const made = `/proc/self/fd/${directory}/${copyName}`;
    const isNew = lstatSync(made, { throwIfNoEntry: false }) === undefined;
    const copied = await copyTree(found.fd, directory, copyName, {
      owner: options.owner,
      leaves: leavesBelow(source.at.path, options.leaves ?? []),
      signal: reporter.signal,
      onProgress: (doneBytes) => {
        reporter.emit({ kind: "advance", task, doneBytes, ...totals });
      },
    }).catch(async (error: unknown) => {
      if (isNew && isGantryError(error, "CANCELLED")) await removeTree(made);
      throw copyError(error, target.shown);
    });
    reporter.emit({ kind: "done", task });
    warnOfCopy(reporter, source.at.path, copied);
    return copied;
  } finally {
    closeSync(found.fd);
    if (directory !== undefined) closeSync(directory);
  }
}

/**
 * Opens the source of a copy; the caller closes its descriptor.
 * @throws what `missing` says, COPY_CONFLICT for a file whose path ends with a slash
 */
export function findSource(side: CopySide, followLink: boolean): FoundFile {
  const { at } = side;
  const found = findIn(side.root, at.path, followLink || at.ending !== "");
  if (found === undefined) throw side.missing(at.given);
  if (at.ending === "" || found.stat.isDirectory()) return found;
  closeSync(found.fd);
  throw new GantryError("COPY_CONFLICT", `${side.shown}: not a directory`, {
    remedy: "Leave out the slash at its end.",
  });
}

/** What the directory holds is meant: `dir/.`, and the root, which has no name. */
export function isWhole(at: CopyPath): boolean {
  return at.ending === "/." || at.name === "";
}

/** Those of the absolute paths that lie below `path`, relative to it. */
export function leavesBelow(path: string, leaves: readonly string[]): string[] {
  const prefix = path === "/" ? "/" : `${path}/`;
  return leaves.filter((leaf) => leaf.startsWith(prefix)).map((leaf) => leaf.slice(prefix.length));
}

function destinationState(target: CopySide, path: string): CopyDestination["state"] {
  const found = findIn(target.root, path, false);
  if (found === undefined) return "missing";
  closeSync(found.fd);
  if (found.stat.isDirectory()) return "directory";
  if (found.stat.isFile()) return "file";
  throw new GantryError(
    "COPY_CONFLICT",
    `destination "${target.shown}" must be a directory or a regular file: got ${kindOf(found.stat)}`,
    { remedy: "Choose another destination, or remove what is there." },
  );
}

function kindOf(stat: Stats): string {
  if (stat.isBlockDevice() || stat.isCharacterDevice()) return "a device";
  return (stat.mode & constants.S_IFMT) === constants.S_IFIFO ? "a pipe" : "a socket";
}

/** Whether two descriptors are on the same file system. */
export function sameFileSystem(a: number, b: number): boolean {
  return fstatSync(a).dev === fstatSync(b).dev;
}

function warnOfCopy(reporter: Reporter, from: string, { skippedSockets, changedWhileRead }: CopiedTree): void {
  const warn = (path: Uint8Array, what: string): void => {
    const shown = path.length === 0 ? from : posix.join(from, Buffer.from(path).toString());
    reporter.emit({ kind: "message", level: "warning", text: `${shown} ${what}` });
  };
  for (const path of skippedSockets) warn(path, "is a socket, which cannot be copied: left out");
  for (const path of changedWhileRead) warn(path, "changed while it was read: not copied whole");
}
