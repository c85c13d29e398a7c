import { closeSync, openSync, readSync } from "node:fs";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { buildLayerIndex } from "../kernels/layer.ts";
import { TarScanner } from "../kernels/tar-scan.ts";
import { truncated } from "./contents.ts";

/** A little more than a header is read at a time; the data of files is passed over. */
const READ_BYTES = 16 * 1024;

/**
 * The index of an uncompressed layer tar that is a range of a file: only its headers are read.
 * @throws ARCHIVE_TRUNCATED, TAR_INVALID, LIMIT_EXCEEDED and the other codes of the tar and layer kernels
 */
export function scanLayerFile(
  path: string,
  offset: number,
  size: number,
  label: string,
  limits: ArchiveLimits = {},
): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const scanner = new TarScanner(limits);
    const buffer = new Uint8Array(READ_BYTES);
    for (let at = 0; at < size;) {
      const skip = Math.min(scanner.skippableBytes, size - at);
      scanner.skipData(skip);
      at += skip;
      if (at === size) break;
      const got = readSync(fd, buffer, 0, Math.min(READ_BYTES, size - at), offset + at);
      if (got === 0) throw truncated(label);
      scanner.push(buffer.subarray(0, got));
      at += got;
    }
    return buildLayerIndex(scanner.finish().records);
  } finally {
    closeSync(fd);
  }
}
