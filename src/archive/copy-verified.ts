import { closeSync, openSync, readSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { digestOf } from "../image/digest.ts";
import type { Descriptor } from "../image/types.ts";
import { Sha256 } from "../kernels/sha256.ts";
import { writeAll } from "../kernels/write-all.ts";
import { type ArchiveFile, truncated } from "./contents.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * Copies a blob of an archive to a new file and checks that it is what its descriptor says.
 * @throws DIGEST_MISMATCH, ARCHIVE_TRUNCATED
 */
export function copyVerified(file: ArchiveFile, wanted: Descriptor, to: string): void {
  const hash = new Sha256();
  const out = openSync(to, "wx", 0o600);
  try {
    for (const chunk of chunksOf(file)) {
      hash.update(chunk);
      writeAll(out, chunk);
    }
  } finally {
    closeSync(out);
  }
  const present = digestOf(hash.digestHex());
  if (present === wanted.digest && file.size === wanted.size) return;
  throw new GantryError(
    "DIGEST_MISMATCH",
    `${file.name} does not match its descriptor: it is ${present} with ${file.size} bytes, not ${wanted.digest} with ${wanted.size}`,
    { remedy: "Copy or save the archive again.", details: { name: file.name, wanted: wanted.digest, present } },
  );
}

/** A chunk is valid until the next is asked for. */
function* chunksOf({ name, size, location }: ArchiveFile): Generator<Uint8Array> {
  if ("bytes" in location) {
    yield location.bytes;
    return;
  }
  const fd = openSync(location.path, "r");
  try {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size));
    for (let at = 0; at < size;) {
      const got = readSync(fd, buffer, 0, Math.min(buffer.length, size - at), location.offset + at);
      if (got === 0) throw truncated(name);
      yield buffer.subarray(0, got);
      at += got;
    }
  } finally {
    closeSync(fd);
  }
}
