import { readFileSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { isJsonObject } from "../image/parse-json.ts";
import type { Descriptor, Digest, Platform, ReceivedIndex } from "../image/types.ts";

/** What images.json says of one image. Everything else is read from its manifest and config. */
export interface ImageRecord {
  id: Digest;
  manifest: Descriptor;
  /** Full names, sorted. Records that have a name in common are platforms of one index, which `indexes` of each says. */
  names: string[];
  sizeBytes: number;
  /** The config's `created`, so that sorting reads no blob; empty if it has none. */
  created: string;
  taggedAt?: string;
  /** So that choosing a platform reads no blob; a record that has none is read from its config. */
  platform?: Platform;
  /** The indexes that list the image, in the order in which they came; absent for an image that came alone. */
  indexes?: ReceivedIndex[];
}

/**
 * Reads the records. A store that never had an image has no file.
 * @throws STORE_CORRUPT
 */
export function readImageRecords(file: string): ImageRecord[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw cause;
  }
  try {
    const { images } = JSON.parse(text) as { images: ImageRecord[] };
    if (!Array.isArray(images)) throw new TypeError("no list of images");
    const wrong = images.findIndex((record) => !isRecord(record));
    if (wrong >= 0) throw new TypeError(`image ${wrong} is no record of an image`);
    return images;
  } catch (cause) {
    throw new GantryError("STORE_CORRUPT", `the image records in ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
      remedy: "Move the file away and load the images again.",
    });
  }
}

function isRecord(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { id, manifest, names, sizeBytes } = value;
  return (
    typeof id === "string" &&
    isJsonObject(manifest) &&
    typeof manifest["digest"] === "string" &&
    Array.isArray(names) &&
    names.every((name) => typeof name === "string") &&
    Number.isSafeInteger(sizeBytes) &&
    typeof value["created"] === "string" &&
    (value["indexes"] === undefined || Array.isArray(value["indexes"]))
  );
}

/** The bytes of images.json. */
export function encodeImageRecords(images: ImageRecord[]): string {
  return `${JSON.stringify({ version: 1, images }, undefined, 1)}\n`;
}
