import { GantryError } from "../errors/index.ts";
import { containerEvent } from "../runtime/container-event.ts";
import { ContainerPaths } from "../runtime/container-paths.ts";
import { readContainerRecord } from "../runtime/container-record.ts";
import { readContainerStatus } from "../runtime/container-status.ts";
import { findContainer } from "../runtime/find-container.ts";
import type { Store } from "../store/store.ts";
import type { ShimConnection } from "../runtime/shim-connection.ts";
import { connectToContainer } from "./container-connection.ts";
import type { RunningContainer } from "./run-container.ts";

export interface AttachOptions {
  /** Start the container if it is not running; else that is an error. */
  start: boolean;
  /** See RunOptions. */
  interactive: boolean;
}

/**
 * Connects to a container's streams.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, CONTAINER_NOT_RUNNING, and what starting throws
 */
export async function attachContainer(
  store: Store,
  given: string,
  options: AttachOptions,
): Promise<RunningContainer & { connection: ShimConnection }> {
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  const connection = readContainerStatus(paths).state === "running" ? await connectToContainer(paths) : undefined;
  if (connection === undefined && options.start) {
    const { startAndConnect } = await import("./run-container.ts");
    return await startAndConnect(store, record, options.interactive);
  }
  if (connection === undefined) {
    throw new GantryError("CONTAINER_NOT_RUNNING", "You cannot attach to a stopped container, start it first", {
      details: { container: paths.id },
    });
  }
  containerEvent(store.layout, record, "attach");
  return {
    record,
    paths: new ContainerPaths(store.layout, record.id),
    ready: Promise.resolve(),
    connection,
    lostExitCode: () => readContainerStatus(paths).exitCode,
  };
}
