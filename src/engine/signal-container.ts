import { GantryError } from "../errors/index.ts";
import { containerEvent } from "../runtime/container-event.ts";
import type { ContainerPaths } from "../runtime/container-paths.ts";
import { readContainerRecord } from "../runtime/container-record.ts";
import { readContainerStatus } from "../runtime/container-status.ts";
import type { Store } from "../store/store.ts";
import { connectToContainer } from "./container-connection.ts";

/**
 * Sends a signal to a running container's first process. Resolves when the shim has been told.
 * @param given how the user called the container, for messages
 * @throws CONTAINER_NOT_RUNNING
 */
export async function signalContainer(
  store: Store,
  paths: ContainerPaths,
  given: string,
  signal: number,
): Promise<void> {
  const connection = await connectToContainer(paths);
  if (connection === undefined || readContainerStatus(paths).state !== "running") {
    connection?.close();
    throw new GantryError(
      "CONTAINER_NOT_RUNNING",
      `cannot kill container: ${given}: container ${paths.id} is not running`,
      { details: { container: paths.id } },
    );
  }
  try {
    await connection.control({ wait: true });
    // Told first: the shim may tell of the container's end at once.
    containerEvent(store.layout, readContainerRecord(paths), "kill", { signal: String(signal) });
    await connection.control({ signal });
  } finally {
    connection.close();
  }
}
