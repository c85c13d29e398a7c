import { readFileSync, writeFileSync } from "node:fs";
import { GantryError, isGantryError } from "../errors/index.ts";
import { SILENT_REPORTER } from "../events/progress.ts";
import { containerEventAttributes } from "../runtime/container-event.ts";
import { ContainerPaths } from "../runtime/container-paths.ts";
import { type ContainerRecord, readContainerRecord } from "../runtime/container-record.ts";
import { readContainerStatus } from "../runtime/container-status.ts";
import { findContainer } from "../runtime/find-container.ts";
import { hostnameFile, hostsFile, resolvConfFile } from "../runtime/network-files.ts";
import { ociSpec } from "../runtime/oci-spec.ts";
import { runtimeProgram } from "../runtime/runtime-program.ts";
import { type ShimConfig, type StartedShim, startShim } from "../runtime/shim-process.ts";
import type { Store } from "../store/store.ts";
import { type ContainerBase, prepareBase } from "./container-base.ts";

/**
 * Starts a container: writes what its shim and runtime read, and starts the shim. Of two that start it at once, one
 * succeeds and the other's `ready` fails with CONTAINER_RUNNING.
 * @param attach whether the caller wants a connection that misses no output
 * @param prepared what the container stands on, if that has just been prepared
 * @throws what preparing the image and starting a process throw; `ready` throws the rest
 */
export async function startContainer(
  store: Store,
  record: ContainerRecord,
  attach: boolean,
  prepared?: ContainerBase,
): Promise<StartedShim> {
  const paths = new ContainerPaths(store.layout, record.id);
  const base = prepared ?? (await prepareBase(store, record.layers, SILENT_REPORTER));
  const { config, hostConfig } = record;
  writeFileSync(paths.hostname, hostnameFile(config.Hostname));
  writeFileSync(paths.hosts, hostsFile({ hostname: config.Hostname, domainname: config.Domainname }));
  writeFileSync(paths.resolvConf, resolvConfFile(hostResolvConf(), hostConfig.NetworkMode === "host"));
  writeFileSync(paths.spec, JSON.stringify(ociSpec(record, { paths })), { mode: 0o600 });
  const [width, height] = hostConfig.ConsoleSize ?? [0, 0];
  const shim: ShimConfig = {
    id: record.id,
    name: record.name,
    root: store.layout.root,
    bundle: paths.directory,
    runtime: runtimeProgram(hostConfig.Runtime),
    rootfs: { lower: base.plan, upper: paths.upper, work: paths.work, target: paths.rootfs },
    terminal: config.Tty,
    openStdin: config.OpenStdin,
    stdinOnce: config.StdinOnce,
    log: paths.log,
    autoRemove: hostConfig.AutoRemove === true,
    eventAttributes: containerEventAttributes(record),
    ...(width > 0 && height > 0 ? { consoleSize: { width, height } } : {}),
  };
  writeFileSync(paths.shimConfig, JSON.stringify(shim), { mode: 0o600 });
  return startShim(paths, attach);
}

/**
 * Starts a container in the background; one that runs already is left alone. Resolves when its process runs.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, and what startContainer throws
 */
export async function ensureStarted(store: Store, given: string): Promise<void> {
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  if (readContainerStatus(paths).state === "running") return;
  try {
    await (
      await startContainer(store, record, false)
    ).ready;
  } catch (error) {
    if (!isGantryError(error, "CONTAINER_RUNNING")) throw error;
  }
}

function hostResolvConf(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new GantryError("SYSTEM_CALL_FAILED", "cannot read the host's /etc/resolv.conf", { cause: error });
  }
}
