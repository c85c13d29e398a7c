import { sha256Hex } from "../kernels/sha256.ts";
import { digestOf } from "./digest.ts";
import type { Digest } from "./types.ts";

/**
 * The chain id of layers, bottom first (OCI image-spec, config.md, "Layer ChainID"). Undefined for no layers.
 */
export function chainIdOf(diffIds: readonly Digest[]): Digest | undefined {
  const encoder = new TextEncoder();
  return diffIds.reduce<Digest | undefined>(
    (below, diffId) => (below === undefined ? diffId : digestOf(sha256Hex(encoder.encode(`${below} ${diffId}`)))),
    undefined,
  );
}
