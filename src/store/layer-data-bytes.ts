import { closeSync, openSync, readSync } from "node:fs";

/** Offset of `dataBytes` in a layer index's header: src/layer/format.ts, section 2. */
const DATA_BYTES_OFFSET = 72;

/** The sum of the sizes of a layer's regular files, read from its index's header alone. */
export function layerDataBytes(indexFile: string): number {
  const fd = openSync(indexFile, "r");
  try {
    const field = Buffer.alloc(8);
    readSync(fd, field, 0, 8, DATA_BYTES_OFFSET);
    return Number(field.readBigUInt64LE());
  } finally {
    closeSync(fd);
  }
}
