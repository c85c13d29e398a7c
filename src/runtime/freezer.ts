import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockFile } from "../bridge/index.ts";
import { GantryError } from "../errors/index.ts";
import { noteUndo } from "../store/undo-note.ts";
import { containerCgroups } from "./container-cgroups.ts";
import type { ContainerPaths } from "./container-paths.ts";

const PATIENCE_MS = 5000;

/** How the freezer of a cgroup is told, and how it says that everything has stopped. */
interface Freezer {
  control: string;
  freeze: string;
  thaw: string;
  isFrozen(): boolean;
}

export interface FreezeOptions {
  /** Where to note that the container has to be thawed, should this process be killed. */
  scratch: string;
  signal: AbortSignal;
  /** Where cgroup file systems are mounted; for tests. */
  cgroupRoot?: string;
  /** How long processes may take to stop. Default 5 s. */
  patienceMs?: number;
}

/**
 * Runs `work` while all processes of a container are frozen, and thaws them whatever happens; after a kill -9 the next
 * command on the store does. A container that does not run, or that somebody else has frozen, stays as it is. Several
 * callers for one container take turns.
 * @throws CONTAINER_FREEZE_FAILED, CANCELLED, and what `work` throws
 */
export async function whileFrozen<T>(
  paths: ContainerPaths,
  options: FreezeOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { scratch, signal } = options;
  if (freezerOf(paths.id, options.cgroupRoot) === undefined) return await work();
  const turn = await lockFile(paths.upper, { signal });
  try {
    // It may have ended meanwhile.
    const freezer = freezerOf(paths.id, options.cgroupRoot);
    if (freezer === undefined || freezer.isFrozen()) return await work();
    noteUndo(scratch, { path: freezer.control, text: freezer.thaw });
    try {
      await freeze(paths.id, freezer, signal, options.patienceMs ?? PATIENCE_MS);
      return await work();
    } finally {
      tell(freezer, freezer.thaw);
    }
  } finally {
    turn.release();
  }
}

async function freeze(id: string, freezer: Freezer, signal: AbortSignal, patienceMs: number): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  // Version 1 freezes process by process and may have to be told again.
  for (let pauseMs = 1; tell(freezer, freezer.freeze) && !freezer.isFrozen(); pauseMs = Math.min(2 * pauseMs, 20)) {
    if (signal.aborted) throw new GantryError("CANCELLED", "cancelled");
    if (Date.now() > giveUpAt) {
      throw new GantryError(
        "CONTAINER_FREEZE_FAILED",
        `cannot freeze container ${id}: a process of it has not stopped within ${patienceMs / 1000} s`,
        { remedy: "Use --no-pause, or try again.", details: { id, path: freezer.control } },
      );
    }
    await sleep(pauseMs);
  }
}

/** False where the cgroup has gone, as it does with the container's last process. */
function tell(freezer: Freezer, text: string): boolean {
  try {
    writeFileSync(freezer.control, text, { flag: "r+" });
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENODEV") return false;
    throw error;
  }
}

/** On a hybrid system that of version 1: not every runtime moves processes into the other hierarchy. */
function freezerOf(id: string, root?: string): Freezer | undefined {
  const directories = containerCgroups(id, root);
  const find = (name: string): string | undefined =>
    directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
  const state = find("freezer.state");
  if (state !== undefined) {
    return { control: state, freeze: "FROZEN", thaw: "THAWED", isFrozen: () => textOf(state).trim() === "FROZEN" };
  }
  const control = find("cgroup.freeze");
  if (control === undefined) return undefined;
  // What was written to cgroup.freeze can be read from it at once; that it has happened is told elsewhere.
  const events = join(dirname(control), "cgroup.events");
  return { control, freeze: "1", thaw: "0", isFrozen: () => /^frozen 1$/m.test(textOf(events)) };
}

/** Empty for a file that has gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
