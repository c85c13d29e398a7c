import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { digestHex, digestOf } from "../image/digest.ts";
import { OCI_LAYER } from "../image/media-types.ts";
import type { Digest } from "../image/types.ts";
import type { CompressionMethod } from "../kernels/compress-block.ts";
import { compressFiles } from "../kernels/compress-files.ts";
import { Sha256 } from "../kernels/sha256.ts";
import { writeAll } from "../kernels/write-all.ts";
import { requireSpace } from "../store/free-space.ts";
import type { SavedLayer } from "./saved-image.ts";

/** Layers seldom compress to less: what must be free for sure. */
const BEST_RATIO = 0.2;

/**
 * Compresses the tars of layers into files of `directory`. The bytes depend on the tar and the method alone, so their
 * digests are the same everywhere.
 * @throws NO_SPACE, CANCELLED, UNEXPECTED_END_OF_FILE, SYSTEM_CALL_FAILED
 */
export async function compressLayers(
  layers: readonly { diffId: Digest; tar: string }[],
  method: CompressionMethod,
  directory: string,
  reporter: Reporter,
): Promise<Map<Digest, SavedLayer>> {
  const files = layers.map(({ tar }) => ({ path: tar, sizeBytes: statSync(tar).size }));
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  requireSpace(directory, totalBytes * BEST_RATIO, "compressing the layers");
  const task = "compress";
  reporter.emit({ kind: "start", task, label: "Compressing", totalBytes });
  const done = new Map<Digest, SavedLayer>();
  let output: Output | undefined;
  let earlierBytes = 0;
  const finish = (): void => {
    if (output === undefined) return;
    const { diffId } = layers[output.index] as { diffId: Digest };
    done.set(diffId, output.layer(diffId, `${OCI_LAYER}+${method.kind}`));
    earlierBytes += files[output.index]?.sizeBytes ?? 0;
    output = undefined;
  };
  try {
    for await (const { file, bytes, doneBytes } of compressFiles(files, method, { signal: reporter.signal })) {
      if (output?.index !== file) {
        finish();
        output = new Output(file, join(directory, digestHex((layers[file] as { diffId: Digest }).diffId)));
      }
      output.write(bytes);
      reporter.emit({ kind: "advance", task, doneBytes: earlierBytes + doneBytes, totalBytes });
    }
    finish();
  } finally {
    output?.close();
  }
  reporter.emit({ kind: "done", task });
  return done;
}

/** One compressed layer in the making. */
class Output {
  readonly #fd: number;
  readonly #hash = new Sha256();
  #bytes = 0;

  constructor(
    readonly index: number,
    private readonly file: string,
  ) {
    this.#fd = openSync(file, "wx", 0o600);
  }

  write(bytes: Uint8Array): void {
    try {
      writeAll(this.#fd, bytes);
    } catch (error) {
      throw fileError(error, "cannot keep a compressed layer");
    }
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  layer(diffId: Digest, mediaType: string): SavedLayer {
    this.close();
    const digest = digestOf(this.#hash.digestHex());
    return { diffId, blob: { mediaType, digest, size: this.#bytes }, file: this.file };
  }

  close(): void {
    closeSync(this.#fd);
  }
}
