import { closeSync, fstatSync, readlinkSync } from "node:fs";
import { posix } from "node:path";
import { treeDataBytes } from "../archive/tree-size.ts";
import { writeTree } from "../archive/tree-writer.ts";
import { walkTreeAsync } from "../bridge/index.ts";
import type { Reporter } from "../events/progress.ts";
import { buildLayerIndex } from "../kernels/layer.ts";
import { encodeTarHeader } from "../kernels/tar-write.ts";
import { writeAll } from "../kernels/write-all.ts";
import { filterRecords, type RecordView } from "../layer/entry-records.ts";
import { ENTRY_DIRECTORY } from "../layer/format.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import type { OpenSubtree, SubtreePlace } from "../runtime/container-subtree.ts";
import { type CopySide, findSource, isWhole, leavesBelow } from "./copy-between.ts";
import { followLinks, openDirectoryIn, parentOf } from "./copy-lookup.ts";
import { warnOfLosses } from "./export-container.ts";

export interface CopyArchiveOutOptions {
  followLink: boolean;
  /** Absolute paths in the source's root: what is mounted there is left out. */
  leaves: readonly string[];
  /** A quicker way to a tree than through the root, of the same content: used for directories. */
  fromIndexes?: (place: SubtreePlace, keep: (record: RecordView) => boolean) => Promise<OpenSubtree>;
}

/**
 * Writes a file or a tree of a container as a tar, under the last name of its path; what `dir/.` and `/` hold, as `./`.
 * Returns the bytes of the tar.
 * @throws PATH_NOT_FOUND, COPY_CONFLICT, CANCELLED, SYSTEM_CALL_FAILED
 */
export async function copyArchiveOut(
  source: CopySide,
  fd: number,
  options: CopyArchiveOutOptions,
  reporter: Reporter,
): Promise<number> {
  const found = findSource(source, options.followLink);
  closeSync(found.fd);
  const follow = options.followLink || source.at.ending !== "";
  const path = follow ? followLinks(source.root, source.at.path) : source.at.path;
  const whole = isWhole(source.at) || [".", ".."].includes(posix.basename(path));
  const from = whole ? path : parentOf(path);
  const name = whole ? "" : posix.basename(path);
  const directory = openDirectoryIn(source.root, from);
  if (directory === undefined) throw source.missing(source.at.given);
  let tree: OpenSubtree | undefined;
  try {
    const keep = withoutWhiteouts(reporter);
    tree =
      options.fromIndexes !== undefined && found.stat.isDirectory()
        ? await options.fromIndexes({ directory: realPath(directory), name }, keep)
        : await walkRoot(directory, from, name, options.leaves, keep, reporter);
    const { index, sources, skippedSockets } = tree;
    const task = "copy";
    reporter.emit({ kind: "start", task, label: `Copying ${source.shown}`, totalBytes: treeDataBytes(index) });
    const start = whole ? headerOf(directory) : new Uint8Array(0);
    writeAll(fd, start);
    const { tarBytes, changedWhileRead } = await writeTree(index, sources, fd, reporter, { task });
    reporter.emit({ kind: "done", task });
    warnOfLosses(reporter, skippedSockets, changedWhileRead);
    return start.length + tarBytes;
  } finally {
    tree?.close();
    closeSync(directory);
  }
}

/** Where an open directory is in its root, all links followed. */
function realPath(directory: number): Buffer {
  return readlinkSync(`/proc/self/fd/${directory}`, { encoding: "buffer" });
}

async function walkRoot(
  directory: number,
  from: string,
  name: string,
  leaves: readonly string[],
  keep: (record: RecordView) => boolean,
  reporter: Reporter,
): Promise<OpenSubtree> {
  const path = `/proc/self/fd/${directory}`;
  const { records, skippedSockets } = await walkTreeAsync(path, {
    overlay: "none",
    name,
    enterMounts: true,
    leaves: leavesBelow(from, leaves),
    signal: reporter.signal,
  });
  return {
    index: new LayerIndex(buildLayerIndex(filterRecords(records, keep))),
    sources: [{ type: "directory", path }],
    skippedSockets: skippedSockets.map((socket) => Buffer.from(socket).toString("latin1")),
    close: () => undefined,
  };
}

function withoutWhiteouts(reporter: Reporter): (record: RecordView) => boolean {
  return ({ path }) => {
    if (!isWhiteout(path)) return true;
    const text = `/${Buffer.from(path).toString()} cannot be told from a deletion mark in an archive: left out`;
    reporter.emit({ kind: "message", level: "warning", text });
    return false;
  };
}

const WHITEOUT = Buffer.from("/.wh.");

function isWhiteout(path: Uint8Array): boolean {
  return Buffer.concat([WHITEOUT.subarray(0, 1), path]).includes(WHITEOUT);
}

/** The header of the directory itself, `./`. */
function headerOf(directory: number): Uint8Array {
  const stat = fstatSync(directory, { bigint: true });
  const { mode, uid, gid, mtimeNs } = stat;
  const seconds = mtimeNs / 1_000_000_000n - (mtimeNs < 0n && mtimeNs % 1_000_000_000n !== 0n ? 1n : 0n);
  return encodeTarHeader({
    type: ENTRY_DIRECTORY,
    path: ".",
    mode: Number(mode) & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    mtimeSeconds: Number(seconds),
    mtimeNanoseconds: Number(mtimeNs - seconds * 1_000_000_000n),
  });
}
