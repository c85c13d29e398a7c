import type { ArchivedGroup } from "../archive/archived-image.ts";
import { listArchive } from "../archive/find-images.ts";
import { LayerIntake } from "../archive/layer-intake.ts";
import { type ArchiveSource, openArchive } from "../archive/open-archive.ts";
import { type ImageSelection, selectImages } from "../archive/select-images.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { choosePlatform, hostPlatform } from "../image/platform.ts";
import { familiarReference } from "../image/reference.ts";
import type { Digest, Image } from "../image/types.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import type { Store } from "../store/store.ts";
import { completeImages, leftText } from "./complete-images.ts";
import { imageEvent } from "./image-event.ts";
import { LayerLoading } from "./load-layers.ts";

/** A file or a directory (OCI layout), or an open descriptor: standard input, a pipe. */
export type LoadSource = ArchiveSource;

/** Which images and platforms to take, all when not given, and under which names. */
export interface LoadOptions extends ImageSelection {
  /** What the archive may ask for, where not the defaults. */
  limits?: ArchiveLimits;
}

/** One image of the archive, now in the store. */
export interface LoadedImage {
  /** Of several platforms the one that the host runs, else the first. */
  image: Image;
  /** All that were loaded. */
  platforms: Image[];
  /** The names that the archive, or the options, give it, familiar form; empty: it is shown by its id. */
  names: string[];
  /** Names that an other image had before, familiar form, and that image's id. */
  moved: { name: string; from: Digest }[];
}

/**
 * Loads the images of an archive with every platform that is there: docker-archive, OCI archive or layout directory,
 * compressed or not, from a file or a pipe. Layers that a delta archive leaves out are completed from the store. Every
 * digest is verified; all images appear together, durably, or the store stays as it was. Platforms that an index lists
 * and the archive does not hold are told in warnings.
 * @returns in the archive's order
 * @throws ARCHIVE_NOT_FOUND, ARCHIVE_INVALID, ARCHIVE_TRUNCATED, COMPRESSION_UNSUPPORTED, DIGEST_MISMATCH,
 * LAYER_MISSING, MANIFEST_INVALID, CONFIG_INVALID, LIMIT_EXCEEDED, NO_SPACE, CANCELLED, the codes of the kernels, and those of selectImages
 */
export async function loadImages(
  store: Store,
  source: LoadSource,
  options: LoadOptions,
  reporter: Reporter,
): Promise<LoadedImage[]> {
  const scratch = await store.scratch();
  const intake = new LayerIntake(scratch.path, reporter, options.limits);
  const cancel = (): void => void intake.close();
  reporter.signal.addEventListener("abort", cancel);
  try {
    const contents = await openArchive(source, {
      scratch: scratch.path,
      reporter,
      limits: options.limits ?? {},
      storedBlob: (digest) => (store.hasBlob(digest) ? store.layout.blob(digest) : undefined),
      // What a member is, a manifest that comes later says: it is taken for a layer, and no harm done if it is none.
      onSpooling: (file, growing) => void intake.take(file, { keepBlob: true, label: file.name, growing }),
    });
    const listing = selectImages(listArchive(contents, options.limits), options);
    const existing = store.images();
    const loading = new LayerLoading(store, scratch.path, intake, existing);
    const everyPlatform = (options.platforms ?? []).length > 0;
    const { groups, left } = completeImages(listing, (layer) => loading.has(layer), { everyPlatform });
    const published = await loading.take(groups);
    if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
    const stored = await store.publishAll(scratch, published);
    for (const platform of left) reporter.emit({ kind: "message", level: "warning", text: leftText(platform) });
    for (const image of stored) imageEvent(store.layout, image, "load");
    return loadedGroups(groups, stored, existing);
  } catch (error) {
    await intake.close(error instanceof Error ? error : undefined);
    throw reporter.signal.aborted ? new GantryError("CANCELLED", "cancelled", { cause: error }) : error;
  } finally {
    reporter.signal.removeEventListener("abort", cancel);
    await intake.close();
    await scratch.dispose();
  }
}

function loadedGroups(groups: ArchivedGroup[], stored: Image[], existing: Image[]): LoadedImage[] {
  const now = new Map(stored.map((image) => [image.id, image]));
  let at = 0;
  return groups.map(({ platforms: listed, names }) => {
    const platforms = stored.slice(at, (at += listed.length));
    const image = choosePlatform(platforms, hostPlatform()) as Image;
    const moved = names.flatMap((name) => {
      // What still has the name is an other platform of the same index.
      const from = existing.find(({ id, names: before }) => before.includes(name) && !now.has(id));
      const kept =
        from?.index !== undefined && image.indexes.some(({ descriptor }) => isIndexOf(descriptor.digest, from, name));
      return from === undefined || kept ? [] : [{ name: familiarReference(name), from: from.id }];
    });
    return { image, platforms, names: names.map(familiarReference), moved };
  });
}

function isIndexOf(digest: Digest, { indexes }: Image, name: string): boolean {
  return indexes.some((index) => index.descriptor.digest === digest && index.names.includes(name));
}
