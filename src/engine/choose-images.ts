import type { Descriptor, Digest, Image, Platform } from "../image/types.ts";
import type { NamedImage, Store } from "../store/store.ts";

/** What references mean together: an image alone, or the platforms of an index, under all names that they gave it. */
export interface ChosenEntry {
  /** Full names. */
  names: string[];
  images: Image[];
  /** The index that lists the images; undefined for one that is meant alone. */
  index: Descriptor | undefined;
}

/**
 * Finds what `docker save` would save: a name under that name, a repository without a tag as all its tags, an id or digest
 * without names; each image or index once, in the order of the references. With `platforms` exactly those of each
 * reference; a single one is the image alone.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND
 */
export function chooseImages(
  store: Store,
  references: readonly string[],
  platforms: readonly Platform[],
): ChosenEntry[] {
  const chosen = new Map<string, ChosenEntry>();
  const add = (reference: string): void => {
    const named = store.resolveNamed(reference);
    const entry = platforms.length === 0 ? wholeEntry(named) : entryOf(named, onPlatforms(store, reference, platforms));
    const key = [entry.index?.digest, ...entry.images.map(({ id }) => id)].join();
    const known = chosen.get(key);
    if (known === undefined) chosen.set(key, entry);
    else known.names = [...new Set([...known.names, ...entry.names])];
  };
  for (const reference of references) {
    const tags = store.repositoryTags(reference);
    if (tags.length === 0) add(reference);
    for (const { name } of tags) add(name);
  }
  return [...chosen.values()];
}

function onPlatforms(store: Store, reference: string, platforms: readonly Platform[]): Image[] {
  const found = platforms.map((platform) => store.resolveNamed(reference, { platform }).image);
  return [...new Map(found.map((image): [Digest, Image] => [image.id, image])).values()];
}

function wholeEntry({ name, platforms, index }: NamedImage): ChosenEntry {
  return { names: name === undefined ? [] : [name], images: platforms, index };
}

function entryOf({ name, index }: NamedImage, images: Image[]): ChosenEntry {
  return { names: name === undefined ? [] : [name], images, index: images.length > 1 ? index : undefined };
}
