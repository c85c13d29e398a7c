import type { PathLike, RequestWriter } from "./message.ts";
import { type AsyncCallOptions, callAsync, request } from "./native.ts";
import { OPERATION } from "./operation.ts";
import { takeResult } from "./result.ts";

/** Who copied files belong to: who their source does, or one user and group. */
export type CopyOwner = "source" | { uid: number; gid: number };

export interface CopyTreeOptions extends Pick<AsyncCallOptions, "signal" | "onProgress"> {
  owner: CopyOwner;
  /** Paths below the source at which a mount point is copied as an empty directory, whatever is mounted there. */
  leaves?: readonly PathLike[];
}

export interface CopiedTree {
  entryCount: number;
  /** What a tar of the same files takes, extended headers left out. */
  tarBytes: number;
  /** Paths below the source, raw bytes; empty for the source itself. */
  skippedSockets: Uint8Array[];
  /** Paths below the source of files that shrank, went or became something else while they were read. */
  changedWhileRead: Uint8Array[];
}

/** The fields of an owner, as `Request::owner` reads them. */
export function ownerFields(fields: RequestWriter, owner: CopyOwner): RequestWriter {
  const { uid, gid } = owner === "source" ? { uid: 0, gid: 0 } : owner;
  return fields
    .bool("fixed", owner !== "source")
    .u32("uid", uid)
    .u32("gid", gid);
}

/**
 * Copies a file or a tree into a directory on another thread: modes, owners, times, xattrs that the target can carry,
 * hard links, holes, devices. A directory joins one that is there; anything else takes the place of a file that is there,
 * large files only when they are whole. Nothing is followed on either side, so neither tree can lead the copy elsewhere,
 * whoever changes it meanwhile. Mounts in the source are entered, but for the kernel's own interfaces (proc, sysfs ...).
 * Not durable on return. Cancelled, it leaves the files that were whole.
 *
 * @param source a descriptor of the file or directory, O_PATH will do; a symbolic link is copied as such
 * @param targetDirectory a descriptor
 * @param targetName what the copy is called; empty: what the source directory holds goes into the target directory,
 *   whose own attributes stay
 * @throws SYSTEM_CALL_FAILED, with the steps that COPY_REFUSALS of the engine knows for what cannot be overwritten;
 *   NO_SPACE, PERMISSION, CANCELLED
 */
export async function copyTree(
  source: number,
  targetDirectory: number,
  targetName: PathLike,
  options: CopyTreeOptions,
): Promise<CopiedTree> {
  const fields = request().fd("source", source).fd("target", targetDirectory).text("name", targetName);
  ownerFields(fields, options.owner).texts("leaves", options.leaves ?? []);
  const reply = await callAsync(OPERATION.copyTree, fields, options);
  const bytes = takeResult(reply);
  const view = new DataView(bytes.buffer);
  const paths: Uint8Array[] = [];
  const [sockets, changed] = [view.getUint32(8, true), view.getUint32(12, true)];
  for (let at = 16; at < bytes.length;) {
    const length = view.getUint32(at, true);
    paths.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return {
    entryCount: reply.result,
    tarBytes: Number(view.getBigUint64(0, true)),
    skippedSockets: paths.slice(0, sockets),
    changedWhileRead: paths.slice(sockets, sockets + changed),
  };
}
