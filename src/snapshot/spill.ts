import { closeSync, ftruncateSync, openSync } from "node:fs";
import { copyFileRangeAsync } from "../bridge/index.ts";
import { fileError, GantryError } from "../errors/index.ts";
import type { SpillCopy } from "../kernels/erofs.ts";

/**
 * Writes a chain's spill file, `bytes` long, holes where nothing is copied, so that it costs the disk what the
 * copies cost.
 * @throws NO_SPACE, SYSTEM_CALL_FAILED, CANCELLED, LAYER_INDEX_INVALID if a layer ends before its data
 */
export async function writeSpill(
  path: string,
  bytes: number,
  copies: readonly SpillCopy[],
  layerTars: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const sources = new Map<number, number>();
  const opened: number[] = [];
  const openFile = (name: string, flags: string): number => {
    const fd = openSync(name, flags, 0o600);
    opened.push(fd);
    return fd;
  };
  try {
    const fdOut = openFile(path, "wx");
    ftruncateSync(fdOut, bytes);
    for (const { layer, sourceOffset, spillOffset, bytes: length } of copies) {
      const tar = layerTars[layer]!;
      const fdIn = sources.get(layer) ?? openFile(tar, "r");
      sources.set(layer, fdIn);
      const range = { fdIn, offsetIn: sourceOffset, fdOut, offsetOut: spillOffset, length };
      const copied = await copyFileRangeAsync(range, { signal });
      if (copied !== length) throw new GantryError("LAYER_INDEX_INVALID", `layer ${tar} ends before its data`);
    }
  } catch (error) {
    throw fileError(error, path);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
