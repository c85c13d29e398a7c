import { GantryError } from "../errors/index.ts";
import type { Digest } from "./types.ts";

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether `value` is a digest that gantry can verify: SHA-256 in canonical form (OCI image-spec, descriptor.md). */
export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && DIGEST.test(value);
}

/**
 * Checks a digest that comes from outside; `where` says in the message whose digest it is.
 * @throws DIGEST_INVALID also for algorithms other than sha256
 */
export function parseDigest(value: unknown, where: string): Digest {
  if (isDigest(value)) return value;
  throw new GantryError("DIGEST_INVALID", `${where} is not a sha256 digest: ${JSON.stringify(value)}`, {
    details: { value },
  });
}

/** `sha256:abc` -> `abc`. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** The digest with these 64 lower-case hexadecimal digits. */
export function digestOf(hex: string): Digest {
  return `sha256:${hex}`;
}
