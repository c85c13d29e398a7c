import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isLocked, tryLockFile } from "../bridge/index.ts";
import { removeCgroup } from "./cgroup-cleanup.ts";
import type { ContainerPaths } from "./container-paths.ts";
import { timestampNow } from "./timestamp.ts";

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
}

/**
 * Reads status.json, and believes "running" only while the shim holds its lock: the lock goes with the process, however
 * it ends. What a shim that was killed left behind is ended here: its container's processes are killed, the cgroup goes,
 * and status.json says so from then on.
 */
export function readContainerStatus(paths: ContainerPaths): ContainerStatus {
  const file = readStatusFile(paths);
  if (file?.status !== "running" || shimLives(paths)) return toStatus(file);
  const lock = tryLockFile(paths.shimLock);
  try {
    // It may have written its last word between our two looks; or somebody else is cleaning up, or starting it again.
    const again = readStatusFile(paths);
    if (again?.status !== "running") return toStatus(again);
    const ended = lostStatus(again);
    if (lock !== undefined) {
      removeCgroup(paths.id);
      writeFileSync(`${paths.status}.lost`, JSON.stringify(ended));
      renameSync(`${paths.status}.lost`, paths.status);
    }
    return toStatus(ended);
  } finally {
    lock?.release();
  }
}

/** Whether the container's shim is alive. (Or somebody is removing the container, which takes milliseconds.) */
function shimLives(paths: ContainerPaths): boolean {
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
  };
}

function lostStatus(file: StatusFile): StatusFile {
  return {
    status: "exited",
    pid: 0,
    startedAt: file.startedAt ?? NEVER,
    finishedAt: timestampNow(),
    exitCode: LOST_EXIT_CODE,
    oomKilled: false,
    error: "the container's shim was killed",
  };
}
