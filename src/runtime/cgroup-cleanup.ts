import { readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containerCgroups } from "./container-cgroups.ts";

const SIGKILL = 9;
const ATTEMPTS = 50;

/**
 * Removes what a container whose shim was killed left in the kernel: the processes of its cgroup are killed, then its
 * cgroup goes in every hierarchy. Does nothing where the shim has cleaned up, which is the rule. Versions 1, hybrid, 2.
 */
export function removeCgroup(id: string): void {
  for (const path of containerCgroups(id)) removeOne(path);
}

function removeOne(path: string): void {
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    killAll(path);
    try {
      removeBelow(path);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT") return;
      if (code !== "EBUSY" || attempt === ATTEMPTS - 1) throw error;
      // Killed processes leave their cgroup when they have been reaped.
      Atomics.wait(asleep, 0, 0, 10);
    }
  }
}

function killAll(path: string): void {
  try {
    writeFileSync(join(path, "cgroup.kill"), "1");
    return;
  } catch {
    // Version 1, or a kernel before 5.14: one by one.
  }
  for (const pid of processesOf(path)) {
    try {
      process.kill(pid, SIGKILL);
    } catch {
      // has ended
    }
  }
}

function processesOf(path: string): number[] {
  const own = readProcesses(path);
  return [...own, ...childrenOf(path).flatMap(processesOf)];
}

function readProcesses(path: string): number[] {
  try {
    return readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function childrenOf(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name));
}

/** A cgroup's files go with it: only directories are removed, the innermost first. */
function removeBelow(path: string): void {
  for (const child of childrenOf(path)) removeBelow(child);
  rmdirSync(path);
}
