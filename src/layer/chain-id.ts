import type { Digest } from "../image/types.ts";

/** Chain ids that this process has computed, by their diffIds. */
const known = new Map<string, Digest>();

/**
 * The chain id of a stack of layers, bottom first (OCI image-spec, config.md, "Layer ChainID"): the only layer's diffId,
 * or SHA-256 over the text `ChainID(all but the top) + " " + DiffID(top)`. Undefined for no layers: such an image has no
 * chain.
 */
export function chainId(diffIds: readonly Digest[]): Digest | undefined {
  if (diffIds.length < 2) return diffIds[0];
  const key = diffIds.join(" ");
  let chain = known.get(key);
  if (chain === undefined) {
    // Not imported: loading it takes longer than a container's start, and images of one layer do without.
    const { createHash } = process.getBuiltinModule("node:crypto");
    chain = diffIds.reduce(
      (below, diffId): Digest => `sha256:${createHash("sha256").update(`${below} ${diffId}`).digest("hex")}`,
    );
    known.set(key, chain);
  }
  return chain;
}
