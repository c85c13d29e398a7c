import { closeSync, fstatSync } from "node:fs";
import { fileError, GantryError } from "../errors/index.ts";
import type { ByteStream } from "./byte-stream.ts";
import { openForStream } from "./cancellable.ts";
import { download } from "./download.ts";
import { readChunks } from "./read-chunks.ts";

/** Where a tar of a file system comes from. */
export type TarSource = { path: string } | { url: string } | { fd: number };

/**
 * Opens a file, a pipe or a URL (http, https; redirects are followed).
 * @throws ARCHIVE_NOT_FOUND, ARCHIVE_INVALID (a directory), DOWNLOAD_FAILED, SYSTEM_CALL_FAILED, CANCELLED
 */
export async function openTarSource(source: TarSource, signal: AbortSignal): Promise<ByteStream> {
  if ("url" in source) return await download(source.url, signal);
  if ("fd" in source) return ofDescriptor(source.fd, "standard input", signal, () => undefined);
  const { path } = source;
  const fd = await openFile(path, signal);
  try {
    if (fstatSync(fd).isDirectory()) {
      throw new GantryError("ARCHIVE_INVALID", `${path} is a directory`, {
        remedy: "Give a tar of it: tar -C DIRECTORY -c . | gantry import -",
      });
    }
    return ofDescriptor(fd, path, signal, () => {
      closeSync(fd);
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

async function openFile(path: string, signal: AbortSignal): Promise<number> {
  try {
    return await openForStream(path, "r", signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw fileError(error, path);
    throw new GantryError("ARCHIVE_NOT_FOUND", `open ${path}: no such file or directory`, { cause: error });
  }
}

function ofDescriptor(fd: number, label: string, signal: AbortSignal, close: () => void): ByteStream {
  const stat = fstatSync(fd);
  const totalBytes = stat.isFile() ? stat.size : undefined;
  return { label, totalBytes, chunks: readChunks(fd, signal), close };
}
