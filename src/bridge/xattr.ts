import { GantryError } from "../errors/index.ts";
import type { PathLike, RequestWriter } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/** A file by descriptor (O_PATH too) or by path; a symbolic link is meant itself, not what it points to. */
export type XattrTarget = PathLike | number;

const MOST_VALUE_BYTES = 65536;

function targetField(target: XattrTarget): RequestWriter {
  return typeof target === "number"
    ? request().bool("isDescriptor", true).fd("target", target)
    : request().bool("isDescriptor", false).text("target", target);
}

/** The names of a file's extended attributes, as the kernel orders them; empty where the file system has none. */
export function listXattrs(target: XattrTarget): string[] {
  const { reply } = call(OPERATION.listXattrs, targetField(target), { replyBytes: MOST_VALUE_BYTES + 8 });
  const names = new TextDecoder().decode(reply.bytes());
  return names.split("\0").slice(0, -1);
}

/** The value, or undefined where there is no such attribute. @throws SYSTEM_CALL_FAILED, PERMISSION */
export function getXattr(target: XattrTarget, name: string): Uint8Array | undefined {
  const { result, reply } = call(OPERATION.getXattr, targetField(target).text("name", name), {
    replyBytes: MOST_VALUE_BYTES + 8,
  });
  return result === 0 ? undefined : reply.bytes();
}

/** Creates or replaces. @throws SYSTEM_CALL_FAILED (ENOTSUP where the file system has none), NO_SPACE, PERMISSION */
export function setXattr(target: XattrTarget, name: string, value: Uint8Array): void {
  if (value.length > MOST_VALUE_BYTES) throw new GantryError("INTERNAL", `xattr ${name}: ${value.length} bytes`);
  call(OPERATION.setXattr, targetField(target).text("name", name).bytes("value", value));
}

/** An attribute that is not there is no error. */
export function removeXattr(target: XattrTarget, name: string): void {
  call(OPERATION.removeXattr, targetField(target).text("name", name));
}
