import { GantryError } from "../errors/index.ts";
import { parseConfig } from "../image/config.ts";
import { digestOf } from "../image/digest.ts";
import type { Digest, ImageConfig } from "../image/types.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import { type ArchiveContents, readArchiveFile } from "./contents.ts";

/**
 * Reads a document and checks it against its digest and, if given, its size.
 * @returns undefined if the archive does not have it
 * @throws DIGEST_MISMATCH, ARCHIVE_INVALID, ARCHIVE_TRUNCATED
 */
export function readVerified(
  contents: ArchiveContents,
  name: string,
  wanted: { digest: Digest; size?: number },
): Uint8Array | undefined {
  const file = contents.find(name);
  if (file === undefined) return undefined;
  if (wanted.size !== undefined && wanted.size !== file.size) {
    throw new GantryError(
      "DIGEST_MISMATCH",
      `${contents.label}: ${name} is ${file.size} bytes long; its descriptor says ${wanted.size}`,
      { details: { wanted: wanted.size, present: file.size } },
    );
  }
  const bytes = readArchiveFile(file);
  requireDigest(bytes, wanted.digest, `${contents.label}: ${name}`);
  return bytes;
}

/** @throws DIGEST_MISMATCH */
export function requireDigest(bytes: Uint8Array, wanted: Digest, what: string): void {
  const present = digestOf(sha256Hex(bytes));
  if (present === wanted) return;
  throw new GantryError(
    "DIGEST_MISMATCH",
    `${what} does not match its digest: its bytes are ${present}, not ${wanted}`,
    {
      remedy: "Copy or save the archive again.",
      details: { wanted, present },
    },
  );
}

/** A config with the id that its bytes give it. @throws CONFIG_INVALID, DIGEST_INVALID */
export function identifyConfig(
  bytes: Uint8Array,
  what: string,
): { id: Digest; configBytes: Uint8Array; config: ImageConfig } {
  return { id: digestOf(sha256Hex(bytes)), configBytes: bytes, config: parseConfig(bytes, what) };
}
