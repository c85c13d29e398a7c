import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { lockFile } from "../bridge/index.ts";
import { GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { Image } from "../image/types.ts";
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
import { fsyncDirectory } from "../store/durable.ts";
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
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, CONTAINER_NAME_INVALID, CONTAINER_NAME_IN_USE, CONTAINER_CONFIG_INVALID,
 *   CAPABILITY_INVALID, SIGNAL_INVALID, USER_NOT_FOUND, GROUP_NOT_FOUND, USAGE, and what preparing the image throws
 */
export async function createContainer(
  store: Store,
  request: ContainerRequest,
  reporter: Reporter,
): Promise<CreatedContainer> {
  const name = request.name === undefined ? undefined : validContainerName(request.name);
  const image = imageOf(store, request.image);
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
    if (name === undefined) record.name = claimRandomName(store.layout, id);
    else await claimName(store, (record.name = name), id);
    try {
      writeRecord(making, record);
      await publish(store, record, making.directory);
    } catch (error) {
      releaseName(store.layout, record.name, id);
      throw error;
    }
  } finally {
    await scratch.dispose();
  }
  containerEvent(store.layout, record, "create");
  return { record, base };
}

function imageOf(store: Store, reference: string): Image {
  try {
    return store.resolveImage(reference);
  } catch (error) {
    if (!isGantryError(error, "IMAGE_NOT_FOUND")) throw error;
    throw new GantryError("IMAGE_NOT_FOUND", `Unable to find image '${withTag(reference)}' locally`, {
      remedy: "Load it with gantry load -i FILE.",
      details: error.details,
      cause: error,
    });
  }
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
  const fd = openSync(paths.record, "wx", 0o600);
  try {
    writeSync(fd, `${JSON.stringify(record)}\n`);
    if (record.hostConfig.AutoRemove !== true) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Moves the container into its place while no image can be removed: either its layers stay, or it fails. */
async function publish(store: Store, record: ContainerRecord, made: string): Promise<void> {
  // The record lock itself: nothing in here needs `exclusively` to be re-entrant, which costs a millisecond.
  const lock = await lockFile(store.layout.lockFile());
  try {
    const missing = record.layers.find((diffId) => !store.hasLayer(diffId));
    if (missing !== undefined) {
      throw new GantryError("IMAGE_NOT_FOUND", `image ${record.config.Image} has just been removed`, {
        details: { image: record.image, layer: missing },
      });
    }
    renameSync(made, store.layout.container(record.id));
  } finally {
    lock.release();
  }
  // A container that vanishes with its process need not survive a power cut.
  if (record.hostConfig.AutoRemove !== true) fsyncDirectory(store.layout.containersDir());
}
