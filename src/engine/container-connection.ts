import { connectUnix } from "../bridge/index.ts";
import { isGantryError } from "../errors/index.ts";
import type { ContainerPaths } from "../runtime/container-paths.ts";
import { ShimConnection } from "../runtime/shim-connection.ts";

/**
 * Connects to the shim of a running container. Output comes from now on; `control({ wait: true })` turns it off.
 * @returns undefined if no shim answers: the container is not running
 */
export async function connectToContainer(paths: ContainerPaths): Promise<ShimConnection | undefined> {
  let fd: number;
  try {
    fd = connectUnix(paths.attachSocket);
  } catch (error) {
    // Not there (ENOENT), or left behind by a shim that was killed (ECONNREFUSED).
    if (isGantryError(error, "SYSTEM_CALL_FAILED")) return undefined;
    throw error;
  }
  const { SocketTransport } = await import("../runtime/socket-transport.ts");
  return new ShimConnection(new SocketTransport(fd));
}
