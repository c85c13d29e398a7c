import type { Descriptor, Digest, Image } from "./types.ts";

/** The index that the name `name` of an image means; undefined if it means the image alone. */
export function indexOfName(image: Pick<Image, "indexes">, name: string): Descriptor | undefined {
  return image.indexes.find((index) => index.names.includes(name))?.descriptor;
}

/** What a name stands for, as a registry would serve it: the digest of its index, or of the image's manifest. */
export function nameDigest(image: Pick<Image, "indexes" | "manifest">, name: string): Digest {
  return indexOfName(image, name)?.digest ?? image.manifest.digest;
}
