import type { ContainerPaths } from "../runtime/container-paths.ts";
import { readContainerStatus } from "../runtime/container-status.ts";
import { connectToContainer } from "./container-connection.ts";

export interface WaitOptions {
  /** Called once the container's end cannot be missed any more, at once if there is nothing to wait for. */
  onConnected?: () => void;
  /** Gives up: the result is undefined then. */
  signal?: AbortSignal | undefined;
}

/**
 * Waits until a container is not running; a container that is not running needs no waiting.
 * @returns its exit code; 0 if it has never run; undefined if `signal` was aborted
 */
export async function waitContainer(paths: ContainerPaths, options: WaitOptions = {}): Promise<number | undefined> {
  const { signal } = options;
  for (let attempt = 0; signal?.aborted !== true; attempt++) {
    const status = readContainerStatus(paths);
    if (status.state !== "running") {
      if (attempt === 0) options.onConnected?.();
      return status.exitCode;
    }
    const connection = await connectToContainer(paths);
    if (connection === undefined) continue; // it has ended between our two looks
    const hangUp = (): void => connection.close();
    signal?.addEventListener("abort", hangUp);
    try {
      await connection.control({ wait: true });
      if (attempt === 0) options.onConnected?.();
      const exit = await connection.follow(() => undefined);
      if (exit !== undefined) return exit.code;
    } finally {
      signal?.removeEventListener("abort", hangUp);
      connection.close();
    }
  }
  return undefined;
}
