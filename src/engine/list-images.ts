import { choosePlatform, hostPlatform } from "../image/platform.ts";
import type { Image } from "../image/types.ts";
import type { Store } from "../store/store.ts";

export interface ListImagesOptions {
  /** Every platform of a multi-platform image, and not only the one that its name resolves to. */
  all?: boolean;
}

/**
 * The images of the store, newest first. Names are in `names` (full form), the size in `sizeBytes`; config and layers are
 * read when they are looked at. Without `all` each name is listed once, with the image that it resolves to, as is each
 * multi-platform image that has lost its names.
 * @throws STORE_CORRUPT
 */
export function listImages(store: Store, options: ListImagesOptions = {}): Image[] {
  const images = store.images();
  if (options.all === true || images.every(({ indexes }) => indexes.length === 0)) return images;
  return images.flatMap((image) => {
    if (image.names.length === 0) return isChosen(image, danglingWith(image, images)) ? [image] : [];
    const names = image.names.filter((name) =>
      isChosen(
        image,
        images.filter((other) => other.names.includes(name)),
      ),
    );
    if (names.length === 0) return [];
    // Getters stay getters: a listing opens no blob.
    return [Object.create(image, { names: { value: names, enumerable: true } }) as Image];
  });
}

function isChosen(image: Image, platforms: readonly Image[]): boolean {
  return platforms.length < 2 || choosePlatform(platforms, hostPlatform()) === image;
}

/** The platforms of an image without names that have lost theirs as well. */
function danglingWith(image: Image, images: readonly Image[]): Image[] {
  const digest = image.index?.digest;
  if (digest === undefined) return [image];
  return images.filter((other) => other.names.length === 0 && other.index?.digest === digest);
}
