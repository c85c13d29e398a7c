import { readFileSync } from "node:fs";
import { release } from "node:os";
import { GantryError } from "../errors/index.ts";
import type { SnapshotDriver } from "./snapshotter.ts";

/** What the choice depends on. */
export interface DriverFacts {
  /** `uname -r`, "6.18.44-generic". */
  kernelRelease: string;
  /** Whether the kernel has EROFS, built in or as a module that is loaded. */
  hasErofs: boolean;
  /** Whether this process may mount what is not its own: CAP_SYS_ADMIN. */
  mayMount: boolean;
  hasLoopDevices: boolean;
}

export interface DriverChoice {
  driver: SnapshotDriver;
  /** Why, in one clause, for `gantry info` and for messages. */
  reason: string;
}

/** The best first. */
const SNAPSHOT_DRIVERS: readonly SnapshotDriver[] = ["erofs", "erofs-loop", "unpack"];

/**
 * Chooses the snapshot driver: the one asked for (`requested`, an option or GANTRY_SNAPSHOTTER), else the best that the
 * kernel can do. What was asked for is never replaced by another.
 * @throws USAGE for a driver that does not exist, SNAPSHOTTER_UNSUPPORTED if the one asked for cannot work here
 */
export function chooseDriver(requested: string | undefined, facts: DriverFacts): DriverChoice {
  const usable: Record<SnapshotDriver, string | undefined> = {
    erofs: erofsObstacle(facts) ?? (isSince(facts.kernelRelease, 6, 12) ? undefined : tooOld(facts, "6.12")),
    "erofs-loop":
      erofsObstacle(facts) ??
      (facts.hasLoopDevices ? undefined : "this machine has no loop devices") ??
      // Blocks smaller than a page.
      (isSince(facts.kernelRelease, 6, 4) ? undefined : tooOld(facts, "6.4")),
    unpack: undefined,
  };
  if (requested !== undefined && requested !== "") {
    const driver = SNAPSHOT_DRIVERS.find((name) => name === requested);
    if (driver === undefined) {
      throw new GantryError("USAGE", `there is no snapshotter "${requested}"`, {
        remedy: `Choose one of ${SNAPSHOT_DRIVERS.join(", ")}.`,
      });
    }
    const obstacle = usable[driver];
    if (obstacle === undefined) return { driver, reason: "it was asked for" };
    throw new GantryError("SNAPSHOTTER_UNSUPPORTED", `the snapshotter ${driver} cannot be used: ${obstacle}`, {
      remedy: "Unset GANTRY_SNAPSHOTTER to have the best one chosen.",
    });
  }
  const driver = SNAPSHOT_DRIVERS.find((name) => usable[name] === undefined) ?? "unpack";
  const reason = driver === "erofs" ? `Linux ${facts.kernelRelease} mounts EROFS files` : (usable.erofs ?? "");
  return { driver, reason };
}

/** Reads the facts; about 0.1 ms. */
export function driverFacts(): DriverFacts {
  return {
    kernelRelease: release(),
    hasErofs: /^(?:nodev)?\t?erofs$/m.test(read("/proc/filesystems")),
    // CAP_SYS_ADMIN is bit 21 (capabilities(7)).
    mayMount:
      (BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(read("/proc/self/status"))?.[1] ?? "0"}`) & (1n << 21n)) !== 0n,
    hasLoopDevices: /^ *\d+ loop-control$/m.test(read("/proc/misc")),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function erofsObstacle(facts: DriverFacts): string | undefined {
  if (!facts.mayMount) return "only root may mount EROFS";
  return facts.hasErofs ? undefined : "this kernel has no EROFS";
}

function tooOld(facts: DriverFacts, wanted: string): string {
  return `Linux ${facts.kernelRelease} is older than ${wanted}`;
}

function isSince(kernelRelease: string, major: number, minor: number): boolean {
  const [, a, b] = /^(\d+)\.(\d+)/.exec(kernelRelease) ?? ["", "0", "0"];
  return Number(a) > major || (Number(a) === major && Number(b) >= minor);
}
