import { closeSync, fstatSync, openSync } from "node:fs";
import { copyFileRangeAsync } from "../bridge/index.ts";
import { fileError, GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { Digest } from "../image/types.ts";
import { encodeTarHeader, END_OF_ARCHIVE, paddingBytes } from "../kernels/tar-write.ts";
import { ENTRY_DIRECTORY, ENTRY_REGULAR } from "../layer/format.ts";
import { unlessCancelled, writeToReader } from "./cancellable.ts";
import type { ArchiveItem } from "./oci-items.ts";

/** An archive whose every byte is decided, and whose blobs are held open: nobody's removal can break it any more. */
export interface ArchivePlan {
  totalBytes: number;
  /** Closes the blobs. */
  close(): void;
  /** Writes everything to `fd`, at its own position; forward only, so a pipe will do. */
  write(fd: number, reporter: Reporter): Promise<void>;
}

type Part = { bytes: Uint8Array } | { fd: number; length: number; name: string };

/**
 * Plans a tar of `items`: owner root, epoch 0, modes 0644 and 0755, in the order given.
 * @throws BLOB_MISSING, STORE_CORRUPT for a blob that is not as long as its descriptor says
 */
export function planArchive(items: ArchiveItem[]): ArchivePlan {
  const parts: Part[] = [];
  const fds: number[] = [];
  const close = (): void => {
    for (const fd of fds.splice(0)) closeSync(fd);
  };
  try {
    for (const item of items) parts.push(...partsOf(item, fds));
  } catch (error) {
    close();
    throw error;
  }
  parts.push({ bytes: END_OF_ARCHIVE });
  const totalBytes = parts.reduce((sum, part) => sum + ("bytes" in part ? part.bytes.length : part.length), 0);
  return { totalBytes, close, write: (fd, reporter) => writeParts(parts, totalBytes, fd, reporter) };
}

function partsOf(item: ArchiveItem, fds: number[]): Part[] {
  if ("directory" in item) {
    return [
      { bytes: encodeTarHeader({ path: item.name, type: ENTRY_DIRECTORY, mode: 0o755, uid: 0, gid: 0, size: 0 }) },
    ];
  }
  const size = "bytes" in item ? item.bytes.length : item.size;
  const header = encodeTarHeader({ path: item.name, type: ENTRY_REGULAR, mode: 0o644, uid: 0, gid: 0, size });
  const padding = new Uint8Array(paddingBytes(size));
  if ("bytes" in item) return [{ bytes: Buffer.concat([header, item.bytes, padding]) }];
  const fd = openItem(item);
  fds.push(fd);
  return [{ bytes: header }, { fd, length: size, name: item.name }, { bytes: padding }];
}

/**
 * Opens the file of an item; the caller closes it.
 * @throws BLOB_MISSING, STORE_CORRUPT if it is not as long as its descriptor says
 */
export function openItem({ digest, size, file }: { digest: Digest; size: number; file: string }): number {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw fileError(cause, file);
    throw new GantryError("BLOB_MISSING", `blob ${digest} is not in the store`, { cause });
  }
  const present = fstatSync(fd).size;
  if (present === size) return fd;
  closeSync(fd);
  throw new GantryError("STORE_CORRUPT", `blob ${digest} has ${present} bytes in the store, not ${size}`, {
    remedy: "Remove the image and load it again.",
  });
}

async function writeParts(parts: Part[], totalBytes: number, fd: number, reporter: Reporter): Promise<void> {
  const task = "archive";
  let doneBytes = 0;
  reporter.emit({ kind: "start", task, label: "Saving", totalBytes });
  for (const part of parts) {
    if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
    if ("bytes" in part) {
      await writeToReader(fd, part.bytes, "the archive", reporter.signal);
      doneBytes += part.bytes.length;
      continue;
    }
    const before = doneBytes;
    const copying = copyFileRangeAsync(
      { fdIn: part.fd, offsetIn: 0, fdOut: fd, offsetOut: null, length: part.length },
      {
        signal: reporter.signal,
        onProgress: (done) => {
          if (!reporter.signal.aborted) reporter.emit({ kind: "advance", task, doneBytes: before + done, totalBytes });
        },
      },
    );
    const copied = await unlessCancelled(copying, reporter.signal);
    if (copied !== part.length) throw new GantryError("STORE_CORRUPT", `${part.name} ended while it was being copied`);
    doneBytes += copied;
    reporter.emit({ kind: "advance", task, doneBytes, totalBytes });
  }
  reporter.emit({ kind: "done", task });
}
