import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { lockFile, removeTree } from "../bridge/index.ts";
import { fileError, GantryError, isGantryError } from "../errors/index.ts";
import { removeCgroup } from "../runtime/cgroup-cleanup.ts";
import { containerNames, releaseName } from "../runtime/container-names.ts";
import { containerEvent } from "../runtime/container-event.ts";
import type { ContainerPaths } from "../runtime/container-paths.ts";
import { type ContainerRecord, readContainerRecord } from "../runtime/container-record.ts";
import { readContainerStatus } from "../runtime/container-status.ts";
import { findContainer } from "../runtime/find-container.ts";
import { faultPoint } from "../store/fault.ts";
import { endIntent, intentOfLayers, writeIntent } from "../store/intent.ts";
import { removing } from "../store/reserve.ts";
import type { Store } from "../store/store.ts";
import { signalContainer } from "./signal-container.ts";
import { waitContainer } from "./wait-container.ts";

export interface RemoveContainerOptions {
  /** Kill it if it is running. */
  force?: boolean;
  /** Remove its anonymous volumes, too. */
  volumes?: boolean;
}

const SIGKILL = 9;
/** A start or a look at the lock takes milliseconds; who holds it longer is running, or copies files in. */
const LOCK_TIMEOUT_MS = 2000;

/**
 * Removes a container with everything it has: files, log, name, cgroup. Interrupted, it either is still there or is gone
 * for every other command; the rest is removed by the next one.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, CONTAINER_RUNNING, LOCK_TIMEOUT (something is being copied into it)
 */
export async function removeContainer(
  store: Store,
  given: string,
  options: RemoveContainerOptions = {},
): Promise<void> {
  const paths = findContainer(store.layout, given);
  await endIfRunning(store, paths, given, options.force === true);
  const lock = await lockFile(paths.shimLock, { timeoutMs: LOCK_TIMEOUT_MS }).catch((error: unknown) => {
    // Removed with its directory by somebody else, the shim of an auto-removed container for example.
    if (!existsSync(paths.directory)) return undefined;
    if (!isGantryError(error, "LOCK_TIMEOUT")) throw error;
    throw readContainerStatus(paths).state === "running" ? running(paths) : inUse(paths, error);
  });
  if (lock === undefined) return;
  try {
    const record = readableRecord(paths);
    removeCgroup(paths.id);
    await discard(store, paths, record);
    if (record !== undefined) containerEvent(store.layout, record, "destroy");
  } finally {
    lock.release();
  }
}

/** The record, for the event; one that cannot be read does not keep a container from being removed. */
function readableRecord(paths: ContainerPaths): ContainerRecord | undefined {
  try {
    return readContainerRecord(paths);
  } catch {
    return undefined;
  }
}

async function endIfRunning(store: Store, paths: ContainerPaths, given: string, force: boolean): Promise<void> {
  if (readContainerStatus(paths).state !== "running") return;
  if (!force) throw running(paths);
  try {
    await signalContainer(store, paths, given, SIGKILL);
  } catch (error) {
    if (!isGantryError(error, "CONTAINER_NOT_RUNNING")) throw error;
  }
  await waitContainer(paths);
}

/**
 * Takes the directory out of sight in one step, frees the name, then removes the files. The layers of an image that was
 * removed by force stay for its containers, and go with the last one.
 */
async function discard(store: Store, paths: ContainerPaths, record: ContainerRecord | undefined): Promise<void> {
  const orphaned = record !== undefined && !store.hasImage(record.image) ? record.layers : [];
  const names = [...containerNames(store.layout)].filter(([, id]) => id === paths.id);
  await removing(store.layout, async () => {
    const scratch = await store.scratch();
    try {
      const aside = join(scratch.path, "removed");
      if (orphaned.length > 0) writeIntent(scratch.path, intentOfLayers(orphaned));
      moveAside(paths, aside);
      faultPoint("container.release");
      for (const [name] of names) releaseName(store.layout, name, paths.id);
      faultPoint("container.remove");
      await removeTree(aside);
      if (orphaned.length > 0) await store.releaseLayers(orphaned);
      endIntent(scratch.path);
    } catch (error) {
      if (!existsSync(paths.directory)) await scratch.abandon();
      throw error instanceof GantryError ? error : fileError(error, `container ${paths.id}`);
    } finally {
      await scratch.dispose();
    }
  });
}

function moveAside(paths: ContainerPaths, aside: string): void {
  faultPoint("container.aside");
  mkdirSync(aside);
  try {
    renameSync(paths.directory, join(aside, paths.id));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** It does not run, but another command has its lock. */
function inUse(paths: ContainerPaths, cause: unknown): GantryError {
  return new GantryError("LOCK_TIMEOUT", `cannot remove container "${paths.id}": another command is writing to it`, {
    remedy: "Wait until the copy into it is done, or end that copy.",
    details: { container: paths.id },
    cause,
  });
}

function running(paths: ContainerPaths): GantryError {
  return new GantryError(
    "CONTAINER_RUNNING",
    `You cannot remove a running container ${paths.id}. ` +
      "Stop the container before attempting removal or force remove",
    { details: { container: paths.id } },
  );
}
