import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupsPathOf } from "./oci-spec.ts";

const ATTEMPTS = 500;

/** How the freezer of each cgroup version is told, and says that everything has stopped. */
const FREEZERS = [
  {
    root: "/sys/fs/cgroup/freezer",
    file: "freezer.state",
    freeze: "FROZEN",
    thaw: "THAWED",
    isFrozen: (text: string) => text === "FROZEN",
  },
  { root: "/sys/fs/cgroup", file: "cgroup.freeze", freeze: "1", thaw: "0", isFrozen: (text: string) => text === "1" },
] as const;

/**
 * Runs `work` while all processes of a container are frozen, and thaws them whatever happens. A container without a
 * cgroup is not running: nothing to freeze.
 */
export async function whilePaused<T>(id: string, pause: boolean, work: () => Promise<T>): Promise<T> {
  const freezer = FREEZERS.find(({ root, file }) => existsSync(`${root}${cgroupsPathOf(id)}/${file}`));
  if (!pause || freezer === undefined) return await work();
  const path = `${freezer.root}${cgroupsPathOf(id)}/${freezer.file}`;
  try {
    writeFileSync(path, freezer.freeze);
    // Version 1 freezes process by process and may have to be told again.
    for (let n = 0; n < ATTEMPTS && !freezer.isFrozen(readFileSync(path, "utf8").trim()); n++) {
      await sleep(1);
      writeFileSync(path, freezer.freeze);
    }
    return await work();
  } finally {
    if (existsSync(path)) writeFileSync(path, freezer.thaw);
  }
}
