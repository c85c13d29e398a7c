import { closeSync, constants, mkdirSync, openSync, readlinkSync } from "node:fs";
import { type FileLock, lockFile, openRoot } from "../bridge/index.ts";
import type { Reporter } from "../events/progress.ts";
import { openSnapshotter } from "../snapshot/open-snapshotter.ts";
import type { Store } from "../store/store.ts";
import type { ContainerPaths } from "./container-paths.ts";
import type { ContainerRecord } from "./container-record.ts";
import { type ContainerStatus, readContainerStatus } from "./container-status.ts";

/** A container's file system as seen from the host, by descriptor only. */
export interface ContainerRoot {
  /** O_PATH. Every look-up goes through `openIn` and the like, which take it for `/`. */
  readonly fd: number;
  /** Whether it is the live root of a running container, with its mounts. */
  readonly live: boolean;
  /** Idempotent. */
  close(): void;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * Opens the root of a container. Running: the root of its first process, with everything that is mounted there. Else its
 * image and its own files, mounted for this process alone; to `write` it holds the container's lock, so that a start, a
 * removal or another writer waits until it is closed. A crash leaves neither mount nor lock.
 * @throws LAYER_MISSING and what Snapshotter.prepare throws, CANCELLED, SYSTEM_CALL_FAILED, PERMISSION
 */
export async function openContainerRoot(
  store: Store,
  record: ContainerRecord,
  paths: ContainerPaths,
  reporter: Reporter,
  options: { write: boolean },
): Promise<ContainerRoot> {
  const lower = await (await openSnapshotter(store)).prepare(record.layers, reporter);
  for (;;) {
    const status = readContainerStatus(paths);
    if (status.state === "running") {
      const fd = openLiveRoot(paths, status);
      if (fd !== undefined) return rootOf(fd, true);
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    const lock = options.write ? await lockStopped(paths, reporter) : undefined;
    if (options.write && lock === undefined) continue;
    try {
      for (const path of [paths.upper, paths.work, paths.rootfs]) mkdirSync(path, { recursive: true });
      const { upper, work, rootfs: target } = paths;
      return rootOf(openRoot({ lower, upper, work, target }, options.write), false, lock);
    } catch (error) {
      lock?.release();
      throw error;
    }
  }
}

/** The lock of a container that is not running; undefined if it runs by now. */
async function lockStopped(paths: ContainerPaths, reporter: Reporter): Promise<FileLock | undefined> {
  for (;;) {
    try {
      const lock = await lockFile(paths.shimLock, { signal: reporter.signal, timeoutMs: 100 });
      if (readContainerStatus(paths).state !== "running") return lock;
      lock.release();
      return undefined;
    } catch (error) {
      if ((error as { code?: string }).code !== "LOCK_TIMEOUT") throw error;
      if (readContainerStatus(paths).state === "running") return undefined;
    }
  }
}

/** undefined if the process has ended, or its number belongs to another one. */
function openLiveRoot(paths: ContainerPaths, status: ContainerStatus): number | undefined {
  let process: number | undefined;
  try {
    // What is opened below this directory is of this one process: after it, its number cannot mean another.
    process = openSync(`/proc/${status.pid}`, DIRECTORY);
    const now = readContainerStatus(paths);
    if (now.pid !== status.pid || now.startedAt !== status.startedAt) return undefined;
    // Its number went to a process of the host between its end and the shim's word of it.
    if (readlinkSync(`/proc/self/fd/${process}/ns/mnt`) === readlinkSync("/proc/self/ns/mnt")) return undefined;
    return openSync(`/proc/self/fd/${process}/root/.`, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  } finally {
    if (process !== undefined) closeSync(process);
  }
}

/** <fcntl.h>; node does not name it. */
const O_PATH = 0o10000000;

function rootOf(fd: number, live: boolean, lock?: FileLock): ContainerRoot {
  let open = true;
  return {
    fd,
    live,
    close() {
      if (!open) return;
      open = false;
      closeSync(fd);
      lock?.release();
    },
  };
}
