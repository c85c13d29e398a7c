import { call, request, type Reply } from "./native.ts";
import { OPERATION } from "./operation.ts";

/**
 * Fetches a result whose size was not known before the call: native code keeps it under the handle in the reply
 * (u64 handle, u64 bytes) until it is taken, which must be before anything else can throw.
 */
export function takeResult({ reply }: Reply): Uint8Array {
  const handle = reply.u64();
  const data = new Uint8Array(new ArrayBuffer(reply.u64()));
  call(OPERATION.takeResult, request().u64("handle", handle), { data });
  return data;
}
