import { closeSync, openSync, readSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { type GrowingFile, isReadable, readableBytes } from "./growing-file.ts";
import { Sha256 } from "./sha256.ts";

/** The two streams of a layer, to be hashed while another thread takes it in. Plain data: it is sent to worker threads. */
export interface LayerHashing {
  /** The file that the other thread writes the tar to. */
  tar: { path: string; growing: GrowingFile };
  /** Where the compressed bytes are, all of them; undefined for a layer that came uncompressed. */
  blob: { path: string; offset: number; size: number } | undefined;
}

/** In hexadecimal digits. */
export interface LayerHashes {
  tarSha256: string;
  /** That of the tar, for a layer that came uncompressed. */
  blobSha256: string;
}

/**
 * Hashes all that the tar's writer writes and, in the time between, the blob.
 * @throws ARCHIVE_TRUNCATED if the blob is shorter than it should be
 */
export function hashLayer({ tar, blob }: LayerHashing): Promise<LayerHashes> {
  const tarHash = new FileHash(tar.path, 0);
  const blobHash = blob === undefined ? undefined : new FileHash(blob.path, blob.offset);
  try {
    for (let ended = false; !ended;) {
      while (blobHash !== undefined && !isReadable(tar.growing, tarHash.bytes)) {
        if (!takeBlob(blobHash, blob!)) break;
      }
      const state = readableBytes(tar.growing, tarHash.bytes);
      while (tarHash.bytes < state.bytes && tarHash.take(state.bytes) > 0);
      ended = state.ended;
    }
    while (blobHash !== undefined && takeBlob(blobHash, blob!));
    const tarSha256 = tarHash.digestHex();
    return Promise.resolve({ tarSha256, blobSha256: blobHash?.digestHex() ?? tarSha256 });
  } finally {
    tarHash.close();
    blobHash?.close();
  }
}

/** Hashes a piece of the blob; false if it is done. */
function takeBlob(hash: FileHash, { path, size }: NonNullable<LayerHashing["blob"]>): boolean {
  if (hash.bytes === size) return false;
  if (hash.take(size) > 0) return true;
  throw new GantryError("ARCHIVE_TRUNCATED", `${path} ends after ${hash.bytes} bytes of a layer of ${size}`);
}

/** The hash of a file from an offset on, opened when there is something to read. */
class FileHash {
  readonly #path: string;
  readonly #offset: number;
  readonly #hash = new Sha256();
  #fd: number | undefined;
  bytes = 0;

  constructor(path: string, offset: number) {
    this.#path = path;
    this.#offset = offset;
  }

  /** Hashes a piece, up to `end` bytes in all; returns its size. */
  take(end: number): number {
    const { input } = this.#hash;
    this.#fd ??= openSync(this.#path, "r");
    const got = readSync(this.#fd, input, 0, Math.min(input.length, end - this.bytes), this.#offset + this.bytes);
    this.#hash.consumeInput(got);
    this.bytes += got;
    return got;
  }

  digestHex(): string {
    return this.#hash.digestHex();
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
