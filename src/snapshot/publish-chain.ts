import { closeSync, existsSync, openSync, renameSync } from "node:fs";
import { fileError, GantryError } from "../errors/index.ts";
import type { Digest } from "../image/types.ts";
import { fsyncAll, fsyncDirectory } from "../store/durable.ts";
import { faultPoint } from "../store/fault.ts";
import type { Store } from "../store/store.ts";
import { writeAll } from "../kernels/write-all.ts";

/** What a chain is made of needs. */
export type ChainStore = Pick<Store, "layout" | "scratch" | "exclusively" | "hasLayer" | "readLayerIndex">;

/**
 * Moves finished files of a scratch directory into chains/, in the order given, durably. Directories must be durable
 * already. Done under the record lock, and only if every layer is still there: a chain never outlives its layers. A target that another process has made
 * meanwhile is replaced by the same bytes; a directory is left as it is.
 * @throws LAYER_MISSING, NO_SPACE, SYSTEM_CALL_FAILED
 */
export async function publishChain(
  store: ChainStore,
  diffIds: readonly Digest[],
  moves: readonly { from: string; to: string }[],
): Promise<void> {
  try {
    faultPoint("chain.sync");
    await fsyncAll(moves.map((move) => move.from));
  } catch (error) {
    throw fileError(error, store.layout.chainsDir());
  }
  await store.exclusively(() => {
    for (const diffId of diffIds) if (!store.hasLayer(diffId)) throw layerMissing(diffId);
    for (const { from, to } of moves) {
      try {
        faultPoint("chain.move");
        renameSync(from, to);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if ((code !== "ENOTEMPTY" && code !== "EEXIST") || !existsSync(to)) throw fileError(error, to);
      }
    }
    try {
      faultPoint("chain.settle");
      fsyncDirectory(store.layout.chainsDir());
    } catch (error) {
      throw fileError(error, store.layout.chainsDir());
    }
  });
}

/** Writes a new file in a scratch directory; `publishChain` makes it durable. @throws NO_SPACE, SYSTEM_CALL_FAILED */
export function writeScratchFile(path: string, bytes: Uint8Array): void {
  try {
    const fd = openSync(path, "wx", 0o600);
    try {
      writeAll(fd, bytes);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(error, path);
  }
}

export function layerMissing(diffId: Digest): GantryError {
  return new GantryError("LAYER_MISSING", `layer ${diffId} is not in the store`, {
    remedy: "Load the image again.",
    details: { diffId },
  });
}
