import { closeSync, openSync, readSync } from "node:fs";
import { GantryError } from "../../errors/index.ts";
import { digestOf } from "../../image/digest.ts";
import type { Digest } from "../../image/types.ts";
import { Sha256 } from "../../kernels/sha256.ts";

/** Between two looks at the signal; also the step of progress. */
const TURN_BYTES = 8 << 20;

/**
 * The digest of a file's content.
 * @param onBytes how many have been read, now and then
 * @throws CANCELLED, what node:fs throws
 */
export async function hashFile(
  path: string,
  signal: AbortSignal,
  onBytes: (doneBytes: number) => void = () => undefined,
): Promise<Digest> {
  const hash = new Sha256();
  const { input } = hash;
  const fd = openSync(path, "r");
  try {
    let done = 0;
    for (let turn = TURN_BYTES; ;) {
      const got = readSync(fd, input, 0, input.length, done);
      if (got === 0) break;
      hash.consumeInput(got);
      done += got;
      if (done < turn) continue;
      turn = done + TURN_BYTES;
      onBytes(done);
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new GantryError("CANCELLED", "cancelled");
    }
    onBytes(done);
    return digestOf(hash.digestHex());
  } finally {
    closeSync(fd);
  }
}
