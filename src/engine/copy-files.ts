import { closeSync, constants, openSync } from "node:fs";
import { posix } from "node:path";
import type { CopyOwner } from "../bridge/index.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { containerEvent } from "../runtime/container-event.ts";
import type { ContainerPaths } from "../runtime/container-paths.ts";
import { readContainerRecord } from "../runtime/container-record.ts";
import type { ContainerRecord } from "../runtime/container-record.ts";
import { type ContainerRoot, openContainerRoot } from "../runtime/container-root.ts";
import { containerSubtree } from "../runtime/container-subtree.ts";
import { findContainer } from "../runtime/find-container.ts";
import type { Store } from "../store/store.ts";
import { copyArchiveIn } from "./copy-archive-in.ts";
import { copyArchiveOut, type CopyArchiveOutOptions } from "./copy-archive-out.ts";
import { copyBetween, type CopySide, sameFileSystem } from "./copy-between.ts";
import { readOnlyRoot } from "./copy-error.ts";
import { type CopyEnd, copyPath, type CopyPath } from "./copy-path.ts";

export interface CopyFilesOptions {
  /** Keep the owners of the source; without it, copies belong to root in a container, and here to who copies. */
  archive: boolean;
  /** Copy what a symbolic link at the end of the source's path leads to. */
  followLink: boolean;
  /** What `-` stands for. */
  stream: { stdin: number; stdout: number };
  /** What a tar stream may ask for, where that differs from the defaults. */
  limits?: ArchiveLimits;
}

export interface CopiedFiles {
  /** What a tar of the copied files takes: Docker's measure. */
  tarBytes: number;
  /** Where to, absolute: `/here`, `c:/there`; empty for a stream. */
  destination: string;
}

type LocalEnd = Exclude<CopyEnd, { kind: "container" }>;
type ContainerEnd = Extract<CopyEnd, { kind: "container" }>;

/**
 * Copies files between a container, running or not, and here. Every path in a container is looked up as a process in it
 * would, so that nothing outside of its root is read or written, whatever the container does meanwhile.
 * @throws COPY_UNSUPPORTED, COPY_CONFLICT, PATH_NOT_FOUND, PATH_INVALID, CONTAINER_NOT_FOUND, CONTAINER_READ_ONLY, OUTPUT_INVALID,
 *   TAR_PATH_ESCAPES, TAR_INVALID, LIMIT_EXCEEDED, NO_SPACE, PERMISSION, CANCELLED, SYSTEM_CALL_FAILED
 */
export async function copyFiles(
  store: Store,
  source: CopyEnd,
  destination: CopyEnd,
  options: CopyFilesOptions,
  reporter: Reporter,
): Promise<CopiedFiles> {
  if (source.kind === "container" && destination.kind === "container") {
    throw new GantryError("COPY_UNSUPPORTED", "copying between containers is not supported", {
      remedy: "Pipe it: gantry cp A:PATH - | gantry cp - B:DIRECTORY",
    });
  }
  if (source.kind === "container") return await copyOut(store, source, destination as LocalEnd, options, reporter);
  if (destination.kind === "container") return await copyIn(store, source, destination, options, reporter);
  throw new GantryError("USAGE", "must specify at least one container source", {
    remedy: "Write CONTAINER:PATH for the side that is in a container.",
  });
}

/** Mounted there is what the runtime made, not what the container's files are. */
const LEAVES = ["/dev", "/proc", "/sys"];

async function copyOut(
  store: Store,
  source: ContainerEnd,
  destination: LocalEnd,
  options: CopyFilesOptions,
  reporter: Reporter,
): Promise<CopiedFiles> {
  const at = copyPath(source.path, "/");
  return await inContainer(store, source, false, reporter, async (root, record, paths) => {
    const side = containerSide(source, root, at);
    containerEvent(store.layout, record, "archive-path");
    if (destination.kind === "stream") {
      const { followLink, stream } = options;
      const archive: CopyArchiveOutOptions = { followLink, leaves: LEAVES };
      if (!root.live) {
        archive.fromIndexes = (place, keep) => containerSubtree(store, record, paths, place, keep, reporter);
      }
      const tarBytes = await copyArchiveOut(side, stream.stdout, archive, reporter);
      return { tarBytes, destination: "" };
    }
    return await withLocal(destination.path, async (target) => {
      const owner: CopyOwner = options.archive
        ? "source"
        : { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
      const { followLink } = options;
      const missing = (path: string): GantryError => missingOutput(path);
      const between = { followLink, owner, leaves: LEAVES, task: "copy" };
      const { tarBytes } = await copyBetween(side, { ...target, missing }, between, reporter);
      return { tarBytes, destination: shownPath(target.at) };
    });
  });
}

async function copyIn(
  store: Store,
  source: LocalEnd,
  destination: ContainerEnd,
  options: CopyFilesOptions,
  reporter: Reporter,
): Promise<CopiedFiles> {
  const at = copyPath(destination.path, "/");
  const shown = `${destination.container}:${shownPath(at)}`;
  return await inContainer(store, destination, true, reporter, async (root, record) => {
    const side = containerSide(destination, root, at);
    const check = (directory: number): void => {
      // Something else mounted there may be writable.
      const inRoot = !root.live || sameFileSystem(directory, root.fd);
      if (record.hostConfig.ReadonlyRootfs === true && inRoot) throw readOnlyRoot();
    };
    containerEvent(store.layout, record, "extract-to-dir");
    if (source.kind === "stream") {
      const { stream, limits = {} } = options;
      const tarBytes = await copyArchiveIn(stream.stdin, side, { check, limits }, reporter);
      return { tarBytes, destination: shown };
    }
    return await withLocal(source.path, async (from) => {
      const owner: CopyOwner = options.archive ? "source" : { uid: 0, gid: 0 };
      const { followLink } = options;
      const { tarBytes } = await copyBetween(from, side, { followLink, owner, check, task: "copy" }, reporter);
      return { tarBytes, destination: shown };
    });
  });
}

async function inContainer<T>(
  store: Store,
  { container }: ContainerEnd,
  write: boolean,
  reporter: Reporter,
  work: (root: ContainerRoot, record: ContainerRecord, paths: ContainerPaths) => Promise<T>,
): Promise<T> {
  const paths = findContainer(store.layout, container);
  const record = readContainerRecord(paths);
  const root = await openContainerRoot(store, record, paths, reporter, { write });
  try {
    return await work(root, record, paths);
  } finally {
    root.close();
  }
}

async function withLocal<T>(path: string, work: (side: CopySide) => Promise<T>): Promise<T> {
  const root = openSync("/", O_PATH | constants.O_DIRECTORY);
  try {
    const at = copyPath(path, process.cwd());
    return await work({ root, at, shown: path, missing: () => missingLocal(at.path) });
  } finally {
    closeSync(root);
  }
}

/** <fcntl.h>; node does not name it. */
const O_PATH = 0o10000000;

function containerSide({ container, path }: ContainerEnd, root: ContainerRoot, at: CopyPath): CopySide {
  const missing = (missed: string): GantryError =>
    new GantryError("PATH_NOT_FOUND", `Could not find the file ${missed} in container ${container}`, {
      details: { container, path: missed },
    });
  return { root: root.fd, at, shown: `${container}:${path}`, missing };
}

function missingLocal(path: string): GantryError {
  return new GantryError("PATH_NOT_FOUND", `lstat ${path}: no such file or directory`, { details: { path } });
}

function missingOutput(directory: string): GantryError {
  return new GantryError("OUTPUT_INVALID", `invalid output path: directory "${directory}" does not exist`, {
    remedy: "Make the directory first.",
  });
}

function shownPath({ path, ending }: CopyPath): string {
  return ending === "" ? path : posix.join(path, ending);
}
