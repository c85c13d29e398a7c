import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A write to a file of the kernel that whoever finds the note has to do. */
export interface UndoNote {
  /** Below /sys/fs/cgroup. */
  path: string;
  text: string;
}

const FILE = "undo.json";

/**
 * Notes in a scratch directory what its process owes the kernel, such as to thaw a container: should the process die, the
 * next command that opens the store does it. Lasts no longer than the kernel: nothing is made durable.
 */
export function noteUndo(scratch: string, note: UndoNote): void {
  writeFileSync(join(scratch, FILE), JSON.stringify(note), { mode: 0o600 });
}

/** Does what a dead process left to do in its scratch directory, if it still can be done. */
export function undoLeftover(scratch: string): void {
  try {
    const { path, text } = JSON.parse(readFileSync(join(scratch, FILE), "utf8")) as Partial<UndoNote>;
    if (typeof path !== "string" || typeof text !== "string") return;
    if (!path.startsWith("/sys/fs/cgroup/") || path.includes("/../")) return;
    // Never makes the file: the container may have gone.
    writeFileSync(path, text, { flag: "r+" });
  } catch {
    // No note, not a whole one, or nothing to undo any more.
  }
}
