import { type OutputTarget, writeOutput } from "../archive/output-file.ts";
import { treeDataBytes } from "../archive/tree-size.ts";
import { writeTree } from "../archive/tree-writer.ts";
import type { Reporter } from "../events/progress.ts";
import { containerEvent } from "../runtime/container-event.ts";
import { readContainerRecord } from "../runtime/container-record.ts";
import { containerTree } from "../runtime/container-tree.ts";
import { findContainer } from "../runtime/find-container.ts";
import type { Store } from "../store/store.ts";

export interface ExportedContainer {
  id: string;
  tarBytes: number;
}

/**
 * Writes the file system of a container, running or not, as a tar: its image with its own changes,
 * without volumes. Nothing is unpacked: ranges are copied out of the layers in the order of the merged index.
 * Files that change meanwhile, and sockets, are reported as warnings.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, OUTPUT_INVALID, SYSTEM_CALL_FAILED, NO_SPACE, CANCELLED
 */
export async function exportContainer(
  store: Store,
  given: string,
  target: OutputTarget,
  reporter: Reporter,
): Promise<ExportedContainer> {
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  const task = `export ${record.name}`;
  const tree = await containerTree(store, record, paths, reporter);
  const totalBytes = treeDataBytes(tree.index);
  reporter.emit({ kind: "start", task, label: `Exporting ${record.name}`, totalBytes });
  const { tarBytes, changedWhileRead } = await writeOutput(target, totalBytes, reporter.signal, (fd) =>
    writeTree(tree.index, tree.sources, fd, reporter, { task }),
  );
  reporter.emit({ kind: "done", task });
  warnOfLosses(reporter, tree.skippedSockets, changedWhileRead);
  containerEvent(store.layout, record, "export");
  return { id: paths.id, tarBytes };
}

/** Says what an archive of a living tree could not hold. */
export function warnOfLosses(reporter: Reporter, sockets: readonly string[], changed: readonly string[]): void {
  for (const path of sockets) {
    reporter.emit({
      kind: "message",
      level: "warning",
      text: `/${path} is a socket, which an archive cannot hold: left out`,
    });
  }
  for (const path of changed) {
    reporter.emit({
      kind: "message",
      level: "warning",
      text: `/${path} changed while it was read: filled up with zeros`,
    });
  }
}
