import { hybridLayout } from "../archive/hybrid-layout.ts";
import { type OutputTarget, writeOutput } from "../archive/output-file.ts";
import { type SavedImage, savedImage } from "../archive/saved-image.ts";
import { planArchive } from "../archive/write-archive.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { configPlatform } from "../image/config.ts";
import { formatPlatform, platformMatches } from "../image/platform.ts";
import type { Image, Platform } from "../image/types.ts";
import type { Store } from "../store/store.ts";

export interface SaveOptions {
  /** Refuse images of another platform. */
  platform?: Platform;
}

export interface SavedArchive {
  bytes: number;
}

/**
 * Saves images in the layout of Docker 25 and later, which docker, podman, skopeo, umoci and gantry itself read, with
 * their configs and layers as they were received. A name saves the image under that name; a repository without a tag
 * saves all its tags, as Docker does; an id saves the image without names. Its size is known, and what can go wrong with
 * images has gone wrong, before the first byte is written.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, BLOB_MISSING, STORE_CORRUPT, OUTPUT_INVALID, NO_SPACE,
 * CANCELLED, SYSTEM_CALL_FAILED
 */
export async function saveImages(
  store: Store,
  references: string[],
  target: OutputTarget,
  options: SaveOptions,
  reporter: Reporter,
): Promise<SavedArchive> {
  const images = chosenImages(store, references);
  if (options.platform !== undefined) for (const { image } of images) requirePlatform(image, options.platform);
  const plan = planArchive(hybridLayout(images), (digest) =>
    // An uncompressed layer may be in the store as the tar of a compressed one only.
    store.hasBlob(digest) ? store.layout.blob(digest) : store.layout.layerTar(digest),
  );
  try {
    await writeOutput(target, plan.totalBytes, (fd) => plan.write(fd, reporter));
  } finally {
    plan.close();
  }
  return { bytes: plan.totalBytes };
}

function chosenImages(store: Store, references: string[]): SavedImage[] {
  const chosen = new Map<string, SavedImage>();
  const add = (image: Image, names: string[]): void => {
    const known = chosen.get(image.id);
    if (known === undefined) {
      chosen.set(image.id, savedImage(store, image, names));
    } else {
      known.names = [...new Set([...known.names, ...names])];
    }
  };
  for (const reference of references) {
    const tags = store.repositoryTags(reference);
    if (tags.length === 0) {
      const { image, name } = store.resolveNamed(reference);
      add(image, name === undefined ? [] : [name]);
    }
    for (const { image, name } of tags) add(image, [name]);
  }
  return [...chosen.values()];
}

function requirePlatform(image: Image, wanted: Platform): void {
  const present = configPlatform(image.config);
  if (platformMatches(present, wanted)) return;
  throw new GantryError(
    "PLATFORM_NOT_FOUND",
    `image ${image.id} is for ${formatPlatform(present)}, not for ${formatPlatform(wanted)}`,
    { remedy: "Leave out --platform." },
  );
}
