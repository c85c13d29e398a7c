import { closeSync, openSync, readSync } from "node:fs";
import { type Compression, detectCompression, MAGIC_BYTES } from "../kernels/detect-compression.ts";

/**
 * How a layer's file is compressed. Looks at the bytes: media types lie. A file that is missing counts as not compressed;
 * it is reported when it is opened to be copied.
 */
export function layerCompression(file: string): Compression {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return "none";
  }
  try {
    const start = Buffer.alloc(MAGIC_BYTES);
    return detectCompression(start.subarray(0, readSync(fd, start, 0, start.length, 0)));
  } finally {
    closeSync(fd);
  }
}
