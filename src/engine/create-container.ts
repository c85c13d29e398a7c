import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileError, GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { formatPlatform, hostPlatform, runsOn } from "../image/platform.ts";
import type { Image, Platform } from "../image/types.ts";
import { type ContainerRequest, mergeConfig } from "../runtime/container-config.ts";
import { containerEvent } from "../runtime/container-event.ts";
import { newContainerId } from "../runtime/container-id.ts";
import { claimName, claimRandomName, releaseName, validContainerName } from "../runtime/container-names.ts";
import { ContainerPaths } from "../runtime/container-paths.ts";
import type { ContainerRecord } from "../runtime/container-record.ts";
import { resolveContainerUser } from "../runtime/container-user.ts";
import type { ImageFacts } from "../runtime/image-facts.ts";
import { checkedResources } from "../runtime/resource-limits.ts";
import { containerCapabilities, ALL_CAPABILITIES } from "../runtime/capabilities.ts";
import { parseSecurityOptions } from "../runtime/security-options.ts";
import { signalNumber } from "../runtime/signals.ts";
import { timestampNow } from "../runtime/timestamp.ts";
import type { LowerPlan } from "../snapshot/snapshotter.ts";
import { fsyncDirectory } from "../store/durable.ts";
import { faultPoint } from "../store/fault.ts";
import { waitForLock } from "../store/record-lock.ts";
import type { Store } from "../store/store.ts";
import { type ContainerBase, imageFacts, prepareBase, provideWorkingDirectory } from "./container-base.ts";

/** A new container, and what it stands on: starting it at once need not prepare that again. */
export interface CreatedContainer {
  record: ContainerRecord;
  base: ContainerBase;
}

/**
 * Makes a container without starting it. On return it is visible under its id and name and, unless it is to be removed
 * when it ends, durable. Interrupted at any moment, it leaves only what the next command cleans.
 *
 * An image that this machine cannot run is a warning only: an emulator may be there.
 *
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, CONTAINER_NAME_INVALID, CONTAINER_NAME_IN_USE, CONTAINER_CONFIG_INVALID,
 *   CAPABILITY_INVALID, SIGNAL_INVALID, USER_NOT_FOUND, GROUP_NOT_FOUND, USAGE, and what preparing the image throws
 */
export async function createContainer(
  store: Store,
  request: ContainerRequest,
  reporter: Reporter,
): Promise<CreatedContainer> {
  const name = request.name === undefined ? undefined : validContainerName(request.name);
  const image = imageOf(store, request, reporter);
  const id = newContainerId();
  const { config, args } = mergeConfig(image.config.config ?? {}, request, id, hostname());
  const hostConfig = checkedResources({ NetworkMode: "none", ...request.hostConfig });
  checkRequest(hostConfig, config.StopSignal);

  const diffIds = image.layers.map((layer) => layer.diffId);
  const base = await prepareBase(store, diffIds, reporter);
  const facts = await imageFacts(store, diffIds);
  const record: ContainerRecord = {
    version: 1,
    id,
    name: "",
    created: timestampNow(),
    image: image.id,
    layers: diffIds,
    driver: base.driver,
    args,
    user: resolveContainerUser(config.User ?? "", facts),
    config,
    hostConfig,
  };

  const scratch = await store.scratch();
  try {
    const making = new ContainerPaths(store.layout, id, join(scratch.path, id));
    mkdirSync(making.directory, { mode: 0o700 });
    for (const directory of [making.work, making.rootfs]) mkdirSync(directory, { mode: 0o700 });
    makeUpper(making.upper, facts);
    await provideWorkingDirectory(store, diffIds, making.upper, config.WorkingDir ?? "");
    faultPoint("container.claim");
    if (name === undefined) record.name = claimRandomName(store.layout, id);
    else await claimName(store, (record.name = name), id);
    try {
      writeRecord(making, record);
      await publish(store, record, base, making.directory);
    } catch (error) {
      takeBack(store, id, making.directory);
      releaseName(store.layout, record.name, id);
      throw error;
    }
  } catch (error) {
    throw error instanceof GantryError ? error : fileError(error, `container ${id}`);
  } finally {
    await scratch.dispose();
  }
  containerEvent(store.layout, record, "create");
  return { record, base };
}

function imageOf(store: Store, { image: reference, platform }: ContainerRequest, reporter: Reporter): Image {
  try {
    const image = store.resolveImage(reference, { platform });
    if (platform === undefined) warnOfPlatform(image.platform, reporter);
    return image;
  } catch (error) {
    if (!isGantryError(error, "IMAGE_NOT_FOUND")) throw error;
    throw new GantryError("IMAGE_NOT_FOUND", `Unable to find image '${withTag(reference)}' locally`, {
      remedy: "Load it with gantry load -i FILE.",
      details: error.details,
      cause: error,
    });
  }
}

/** In Docker's words: who asked for a platform knows that it may need an emulator. */
function warnOfPlatform(offered: Platform, reporter: Reporter): void {
  const host = hostPlatform();
  if (runsOn(offered, host)) return;
  const text =
    `The requested image's platform (${formatPlatform(offered)}) does not match the detected host platform ` +
    `(${formatPlatform(host)}) and no specific platform was requested`;
  reporter.emit({ kind: "message", level: "warning", text });
}

function withTag(reference: string): string {
  return /[:@]/.test(reference.slice(reference.lastIndexOf("/") + 1)) ? reference : `${reference}:latest`;
}

/** What the start would refuse is refused now. */
function checkRequest(hostConfig: ContainerRecord["hostConfig"], stopSignal: string | undefined): void {
  containerCapabilities({ add: hostConfig.CapAdd, drop: hostConfig.CapDrop }, ALL_CAPABILITIES);
  parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  if (stopSignal !== undefined && stopSignal !== "") signalNumber(stopSignal);
  if (!["none", "host", "default", "bridge"].includes(hostConfig.NetworkMode)) {
    throw new GantryError("CONTAINER_CONFIG_INVALID", `network ${hostConfig.NetworkMode} not found`, {
      remedy: "Use --network none or --network host.",
      details: { network: hostConfig.NetworkMode },
    });
  }
}

/** The upper directory shows as the container's `/`: it must look as the image's. */
function makeUpper(upper: string, facts: ImageFacts): void {
  mkdirSync(upper);
  chownSync(upper, facts.root.uid, facts.root.gid);
  chmodSync(upper, facts.root.mode);
  utimesSync(upper, facts.root.mtime, facts.root.mtime);
}

function writeRecord(paths: ContainerPaths, record: ContainerRecord): void {
  faultPoint("container.record");
  const fd = openSync(paths.record, "wx", 0o600);
  try {
    writeSync(fd, `${JSON.stringify(record)}\n`);
    if (record.hostConfig.AutoRemove !== true) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Moves the container into its place, while no image can be removed: from then on it keeps what it stands on. An image that
 * has been removed meanwhile fails here.
 * @throws IMAGE_NOT_FOUND
 */
async function publish(store: Store, record: ContainerRecord, base: ContainerBase, made: string): Promise<void> {
  // The record lock itself: nothing in here needs `exclusively` to be re-entrant, which costs a millisecond.
  const lock = await waitForLock(store.layout.lockFile());
  try {
    // The image may have been removed and loaded again: its layers are back then, but not what was made of them.
    const isThere = store.hasImage(record.image) && record.layers.every((diffId) => store.hasLayer(diffId));
    if (!isThere || !existsBase(base.plan)) {
      throw new GantryError("IMAGE_NOT_FOUND", `image ${record.config.Image} has just been removed`, {
        remedy: "If it is there again, run the command again.",
        details: { image: record.image },
      });
    }
    faultPoint("container.move");
    renameSync(made, store.layout.container(record.id));
  } finally {
    lock.release();
  }
  faultPoint("container.settle");
  // A container that vanishes with its process need not survive a power cut.
  if (record.hostConfig.AutoRemove !== true) fsyncDirectory(store.layout.containersDir());
}

/** Undoes the move of a container that cannot be made durable. */
function takeBack(store: Store, id: string, making: string): void {
  try {
    renameSync(store.layout.container(id), making);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function existsBase(plan: LowerPlan): boolean {
  return plan.type === "empty" || existsSync(plan.type === "erofs" ? plan.image : plan.path);
}
