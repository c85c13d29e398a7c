import { readFileSync, statSync } from "node:fs";

/** From here on a wait is worth a word. */
export const LONG_WAIT_MS = 2000;

/** A command that waits for another one to let go of a lock. */
export interface LockWait {
  path: string;
  /** Who holds it; undefined if that cannot be told (another PID namespace, or it has just let go). */
  holder: { pid: number; command: string } | undefined;
}

type Listener = (wait: LockWait) => void;
let listener: Listener = () => undefined;

/** Sets who is told of waits for the store's locks that last: the command line, which has a terminal. */
export function onLockWait(listen: Listener): void {
  listener = listen;
}

/** Tells the listener that this process has been waiting for the lock for LONG_WAIT_MS. */
export function tellLockWait(path: string): void {
  listener({ path, holder: lockHolder(path) });
}

/** Who holds the flock on a file exclusively, from /proc/locks. */
function lockHolder(path: string): LockWait["holder"] {
  try {
    const inode = String(statSync(path).ino);
    for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
      const [, kind, , , pid, file = ""] = line.split(/\s+/);
      if (kind !== "FLOCK" || file.split(":")[2] !== inode) continue;
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean);
      return { pid: Number(pid), command: commandOf(words) };
    }
  } catch {
    // It ended while we looked, or /proc is not there.
  }
  return undefined;
}

/** `gantry load -i x.tar`, without the interpreter and its options. */
function commandOf(words: readonly string[]): string {
  const at = words.findIndex((word) => /(?:^|\/)(?:gantry|main)(?:\.c?js)?$/.test(word));
  return at < 0 ? words.join(" ") : ["gantry", ...words.slice(at + 1)].join(" ");
}
