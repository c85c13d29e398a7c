import type { ArchivedGroup, ArchiveListing, ListedLayer, PlatformImage } from "../archive/archived-image.ts";
import { listArchive } from "../archive/find-images.ts";
import { receivedBlobs } from "../archive/hold-layer.ts";
import { openArchive } from "../archive/open-archive.ts";
import { selectImages } from "../archive/select-images.ts";
import { GantryError, isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { familiarReference } from "../image/reference.ts";
import type { Digest, Image, Platform } from "../image/types.ts";
import type { Store } from "../store/store.ts";
import { completeImages, type LeftPlatform } from "./complete-images.ts";
import type { LoadOptions, LoadSource } from "./load-image.ts";

/** What a load would do. */
export interface LoadPlan {
  /** In the archive's order. */
  images: PlannedImage[];
  /** Platforms that an index lists and the archive does not hold. */
  left: LeftPlatform[];
  /** Why the load would fail. */
  problem: GantryError | undefined;
}

export interface PlannedImage {
  /** Familiar form. */
  names: string[];
  /** Names that an other image has now, and that image's id. */
  moves: { name: string; from: Digest }[];
  platforms: PlannedPlatform[];
}

export interface PlannedPlatform {
  id: Digest;
  platform: Platform;
  /** Whether the store has the image already. */
  known: boolean;
  /** Bottom first. */
  layers: PlannedLayer[];
}

export interface PlannedLayer {
  /** As in the archive; the diffId where there is no manifest. */
  digest: Digest;
  /** Bytes in the archive, or what the manifest says of them; undefined if neither does. */
  sizeBytes: number | undefined;
  /** `stored`: the store has it; `read`: it would be read from the archive. */
  state: "stored" | "read" | "missing";
}

/**
 * Says what loadImages would do with the same arguments. Reads names, sizes and JSON documents only: layers are neither
 * read nor verified, nothing is written.
 * @throws as loadImages does for an archive that cannot be listed; what is missing from it is `problem`
 */
export async function planLoad(
  store: Store,
  source: LoadSource,
  options: LoadOptions,
  reporter: Reporter,
): Promise<LoadPlan> {
  const contents = await openArchive(source, {
    scratch: "",
    reporter,
    limits: options.limits ?? {},
    documentsOnly: true,
    storedBlob: () => undefined,
    onSpooling: () => undefined,
  });
  const listing = selectImages(listArchive(contents, options.limits), options);
  const existing = store.images();
  const received = receivedBlobs(existing, store.layout);
  const stateOf = (layer: ListedLayer): PlannedLayer["state"] => {
    const { diffId, descriptor, file } = layer;
    const digest = descriptor?.digest ?? diffId;
    const same = digest === diffId ? store.hasLayer(diffId) : received.get(digest) === diffId && store.hasBlob(digest);
    if (same) return "stored";
    if (file !== undefined) return "read";
    return store.hasLayer(diffId) ? "stored" : "missing";
  };
  const has = (layer: ListedLayer): boolean => stateOf(layer) !== "missing";
  const everyPlatform = (options.platforms ?? []).length > 0;
  const { groups, left, problem } = complete(listing, has, everyPlatform);
  return { images: groups.map((group) => plannedImage(group, existing, stateOf)), left, problem };
}

function complete(
  listing: ArchiveListing,
  has: (layer: ListedLayer) => boolean,
  everyPlatform: boolean,
): { groups: ArchivedGroup[]; left: LeftPlatform[]; problem: GantryError | undefined } {
  try {
    return { ...completeImages(listing, has, { everyPlatform }), problem: undefined };
  } catch (error) {
    if (!isGantryError(error)) throw error;
    return { groups: listing.groups, left: [], problem: error };
  }
}

function plannedImage(
  { names, platforms, index }: ArchivedGroup,
  existing: Image[],
  stateOf: (layer: ListedLayer) => PlannedLayer["state"],
): PlannedImage {
  const ids = new Set(platforms.map(({ id }) => id));
  const moves = names.flatMap((name) => {
    const from = existing.find((image) => image.names.includes(name) && !ids.has(image.id));
    const shared = from?.indexes.some(
      (known) => known.descriptor.digest === index?.descriptor.digest && known.names.includes(name),
    );
    return from === undefined || shared === true ? [] : [{ name: familiarReference(name), from: from.id }];
  });
  const known = new Set(existing.map(({ id }) => id));
  return {
    names: names.map(familiarReference),
    moves,
    platforms: platforms.map((image) => plannedPlatform(image, known.has(image.id), stateOf)),
  };
}

function plannedPlatform(
  { id, platform, layers }: PlatformImage,
  known: boolean,
  stateOf: (layer: ListedLayer) => PlannedLayer["state"],
): PlannedPlatform {
  return {
    id,
    platform,
    known,
    layers: layers.map((layer) => ({
      digest: layer.descriptor?.digest ?? layer.diffId,
      sizeBytes: layer.file?.size ?? layer.descriptor?.size,
      state: stateOf(layer),
    })),
  };
}
