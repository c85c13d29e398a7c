import { dirname } from "node:path/posix";
import type { Reporter } from "../events/progress.ts";
import { readContainerRecord } from "../runtime/container-record.ts";
import { findContainer } from "../runtime/find-container.ts";
import type { Store } from "../store/store.ts";
import { diffFiles, type FileChange } from "./diff-trees.ts";
import { openContainerTree, treeOfLayers } from "./open-file-tree.ts";

/** One line of `docker diff`. */
export interface ContainerChange {
  kind: "A" | "C" | "D";
  /** With a leading slash. */
  path: string;
}

/**
 * What a container, running or not, has changed in its image's files, by Docker's rules: everything that was added; of what was
 * deleted the topmost name only; changed files; and each directory above a change. A directory's own time does not count. Depth
 * first in bytewise order, where Docker has none. Mount points of the engine's making are left out.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, LAYER_MISSING, SYSTEM_CALL_FAILED, CANCELLED
 */
export async function diffContainer(store: Store, given: string, reporter: Reporter): Promise<ContainerChange[]> {
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  const image = await treeOfLayers(store, record.layers);
  const container = await openContainerTree(store, paths.id, reporter);
  const changes = await diffFiles({ ...container, ...image }, container, {}, reporter);
  const isDirectory = (tree: typeof image, node: number): boolean => {
    const inode = tree.index.inodeOf(node);
    return inode !== undefined && tree.index.isDirectory(inode);
  };
  return dockerChanges(changes, (change) => ({
    wasDirectory: change.a !== undefined && isDirectory(image, change.a),
    isDirectory: change.b !== undefined && isDirectory(container, change.b),
  }));
}

interface Kinds {
  wasDirectory: boolean;
  isDirectory: boolean;
}

/** Docker's choice among all that differs; `changes` depth first. */
export function dockerChanges(
  changes: readonly FileChange[],
  kindsOf: (change: FileChange) => Kinds,
): ContainerChange[] {
  const lines: ContainerChange[] = [];
  const shown = new Set(["/"]);
  /** Directories that are gone or something else now: nothing is said of what was in them. */
  const gone = new Set<string>();
  const showParents = (path: string): void => {
    const parent = dirname(path);
    if (shown.has(parent)) return;
    showParents(parent);
    shown.add(parent);
    lines.push({ kind: "C", path: parent });
  };
  for (const change of changes) {
    const { kind, path } = change;
    const { wasDirectory, isDirectory } = kindsOf(change);
    if (wasDirectory && !isDirectory) gone.add(path);
    if (kind === "D" && gone.has(dirname(path))) continue;
    if (path === "/" || (kind === "C" && !counts(change, wasDirectory && isDirectory))) continue;
    showParents(path);
    shown.add(path);
    lines.push({ kind, path });
  }
  return lines;
}

/** A directory's time changes with what is in it, which is told by name; a link more changes no file. */
function counts({ aspects }: FileChange, directory: boolean): boolean {
  return aspects.some((aspect) => aspect !== "hard links" && !(directory && aspect === "mtime"));
}
