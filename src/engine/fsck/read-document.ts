import { readFileSync, statSync } from "node:fs";
import { digestOf } from "../../image/digest.ts";
import { MAX_JSON_BYTES } from "../../image/parse-json.ts";
import type { Digest } from "../../image/types.ts";
import { sha256Hex } from "../../kernels/sha256.ts";
import type { StoreLayout } from "../../store/layout.ts";

/**
 * A manifest, config or index of the store whose bytes are what its digest says; undefined for any other: the check of
 * the blobs says what is wrong with it.
 */
export function readDocument(layout: StoreLayout, digest: Digest): Uint8Array | undefined {
  const path = layout.blob(digest);
  try {
    if (statSync(path).size > MAX_JSON_BYTES) return undefined;
    const bytes = readFileSync(path);
    return digestOf(sha256Hex(bytes)) === digest ? bytes : undefined;
  } catch {
    return undefined;
  }
}
