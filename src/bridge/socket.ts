import type { PathLike } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/**
 * Connects to a unix stream socket, also where the path is longer than the 107 bytes that an address holds. Returns the
 * descriptor (non-blocking, for `new net.Socket({ fd })`, which then owns it).
 * @throws SYSTEM_CALL_FAILED (ENOENT, ECONNREFUSED), PERMISSION
 */
export function connectUnix(path: PathLike): number {
  return call(OPERATION.connectUnix, request().text("path", path)).result;
}
