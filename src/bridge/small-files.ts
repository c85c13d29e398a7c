import { type PathLike } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/** Files of one directory of a tree. */
export interface SmallFiles {
  /** The directory, below the tree's root; `.` for the root itself. */
  directory: PathLike;
  files: readonly { name: PathLike; bytes: number }[];
}

/**
 * Reads the first `bytes` bytes of many files into `data`, back to back, with one call. Directories are found as `openIn` finds
 * them; a file that is a symbolic link is not followed, and none is waited for.
 * @param root a directory's path
 * @returns the files that could not be read, or not so far, counted over all directories: their part of `data` says nothing
 * @throws SYSTEM_CALL_FAILED, PERMISSION if there is no such root
 */
export function readSmallFiles(root: PathLike, directories: readonly SmallFiles[], data: Uint8Array): Set<number> {
  const fields = request().text("root", root).u32("directories", directories.length);
  let count = 0;
  for (const { directory, files } of directories) {
    fields.text("directory", directory).u32("files", files.length);
    for (const { name, bytes } of files) fields.text("name", name).u32("bytes", bytes);
    count += files.length;
  }
  const { result, reply } = call(OPERATION.readSmallFiles, fields, { data, replyBytes: 4 * count });
  const failed = new Set<number>();
  for (let i = 0; i < result; i++) failed.add(reply.u32());
  return failed;
}
