import { isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { ContainerRequest } from "../runtime/container-config.ts";
import { containerEvent } from "../runtime/container-event.ts";
import { ContainerPaths } from "../runtime/container-paths.ts";
import type { ContainerRecord } from "../runtime/container-record.ts";
import { readContainerStatus } from "../runtime/container-status.ts";
import { ShimConnection } from "../runtime/shim-connection.ts";
import { BlockingTransport, type ShimTransport } from "../runtime/shim-transport.ts";
import type { Store } from "../store/store.ts";
import type { ContainerBase } from "./container-base.ts";
import { createContainer } from "./create-container.ts";
import { startContainer } from "./start-container.ts";

export interface RunOptions {
  /** Connect to the container's streams before it starts. */
  attached: boolean;
  /** The caller may end the connection itself: it sends input, or detaches. */
  interactive: boolean;
}

/** A container that has been made and is being started. */
export interface RunningContainer {
  record: ContainerRecord;
  paths: ContainerPaths;
  /**
   * Resolves when the container's process runs. If it does not, a container that was to be removed when it ends has been
   * removed.
   * @throws what starting a container throws
   */
  ready: Promise<void>;
  /** With `attached`; the caller follows and closes it. */
  connection: ShimConnection | undefined;
  /** The exit code where the connection ended without one. */
  lostExitCode(): number;
}

/**
 * Makes a container and starts it.
 * @throws what createContainer and startContainer throw
 */
export async function runContainer(
  store: Store,
  request: ContainerRequest,
  options: RunOptions,
  reporter: Reporter,
): Promise<RunningContainer> {
  const { record, base } = await createContainer(store, request, reporter);
  return await start(store, record, options, base);
}

/**
 * Starts a container with a connection that misses nothing.
 * @throws what startContainer throws
 */
export async function startAndConnect(
  store: Store,
  record: ContainerRecord,
  interactive: boolean,
): Promise<RunningContainer & { connection: ShimConnection }> {
  const running = await start(store, record, { attached: true, interactive });
  return { ...running, connection: running.connection as ShimConnection };
}

async function start(
  store: Store,
  record: ContainerRecord,
  options: RunOptions,
  base?: ContainerBase,
): Promise<RunningContainer> {
  const paths = new ContainerPaths(store.layout, record.id);
  const undo = async (error: unknown): Promise<never> => {
    if (record.hostConfig.AutoRemove === true) await discardFailed(store, record.id);
    throw error;
  };
  if (options.attached) containerEvent(store.layout, record, "attach");
  const shim = await startContainer(store, record, options.attached, base).catch(undo);
  const connection =
    shim.attachFd === undefined
      ? undefined
      : new ShimConnection(await transportOver(shim.attachFd, options.interactive));
  const ready = shim.ready.then(() => undefined, undo);
  // The caller may look at it later than it fails.
  ready.catch(() => undefined);
  return { record, paths, ready, connection, lostExitCode: () => readContainerStatus(paths).exitCode };
}

async function transportOver(fd: number, interactive: boolean): Promise<ShimTransport> {
  if (!interactive) return new BlockingTransport(fd);
  const { SocketTransport } = await import("../runtime/socket-transport.ts");
  return new SocketTransport(fd);
}

async function discardFailed(store: Store, id: string): Promise<void> {
  const { removeContainer } = await import("./remove-container.ts");
  try {
    await removeContainer(store, id, { force: true });
  } catch (error) {
    if (!isGantryError(error, "CONTAINER_NOT_FOUND")) throw error; // the shim was faster
  }
}
