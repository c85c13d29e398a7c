import { createHash } from "node:crypto";
import type { Digest } from "../image/types.ts";

/**
 * The chain id of a stack of layers, bottom first (OCI image-spec, config.md, "Layer ChainID"): the only layer's diffId,
 * or SHA-256 over the text `ChainID(all but the top) + " " + DiffID(top)`. Undefined for no layers: such an image has no
 * chain.
 */
export function chainId(diffIds: readonly Digest[]): Digest | undefined {
  return diffIds.reduce<Digest | undefined>(
    (below, diffId) =>
      below === undefined ? diffId : `sha256:${createHash("sha256").update(`${below} ${diffId}`).digest("hex")}`,
    undefined,
  );
}
