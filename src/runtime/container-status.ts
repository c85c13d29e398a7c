import { readFileSync } from "node:fs";
import { isLocked } from "../bridge/index.ts";
import type { ContainerPaths } from "./container-paths.ts";

/** What status.json holds; times are RFC 3339 with nanoseconds, UTC. Written by the shim. */
interface StatusFile {
  status: "running" | "exited";
  pid?: number;
  startedAt?: string;
  finishedAt?: string;
  exitCode?: number;
  oomKilled?: boolean;
  error?: string;
}

/** Docker's zero time, for what has not happened. */
export const NEVER = "0001-01-01T00:00:00Z";

/** Exit code of a container whose shim was killed: what ended its process nobody saw. */
const LOST_EXIT_CODE = 137;

/** The state of a container now. */
export interface ContainerStatus {
  state: "created" | "running" | "exited";
  /** Process id on the host; 0 unless running. */
  pid: number;
  startedAt: string;
  finishedAt: string;
  exitCode: number;
  oomKilled: boolean;
  error: string;
  /** The shim was killed: what it had in the kernel (processes, cgroup) is still to be cleaned up. */
  shimLost: boolean;
}

/**
 * Reads status.json, and believes "running" only while the shim holds its lock: the lock goes with the process, however
 * it ends.
 */
export function readContainerStatus(paths: ContainerPaths): ContainerStatus {
  const file = readStatusFile(paths);
  if (file?.status === "running" && !shimLives(paths)) {
    // It may have written its last word between our two looks.
    const again = readStatusFile(paths);
    return again?.status === "running" ? lost(again) : toStatus(again);
  }
  return toStatus(file);
}

/** Whether the container's shim is alive. (Or somebody is removing the container, which takes milliseconds.) */
export function shimLives(paths: ContainerPaths): boolean {
  return isLocked(paths.shimLock);
}

function readStatusFile(paths: ContainerPaths): StatusFile | undefined {
  try {
    return JSON.parse(readFileSync(paths.status, "utf8")) as StatusFile;
  } catch {
    return undefined;
  }
}

function toStatus(file: StatusFile | undefined): ContainerStatus {
  return {
    // One that could not be started is as it was, with the reason why.
    state: file?.status === "exited" && file.startedAt === undefined ? "created" : (file?.status ?? "created"),
    pid: file?.status === "running" ? (file.pid ?? 0) : 0,
    startedAt: file?.startedAt ?? NEVER,
    finishedAt: file?.status === "running" ? NEVER : (file?.finishedAt ?? NEVER),
    exitCode: file?.exitCode ?? 0,
    oomKilled: file?.oomKilled ?? false,
    error: file?.error ?? "",
    shimLost: false,
  };
}

function lost(file: StatusFile): ContainerStatus {
  return {
    ...toStatus(file),
    state: "exited",
    pid: 0,
    exitCode: LOST_EXIT_CODE,
    finishedAt: file.startedAt ?? NEVER,
    error: "the container's shim was killed",
    shimLost: true,
  };
}
