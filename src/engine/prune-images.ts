import { isGantryError } from "../errors/index.ts";
import type { Digest, Image } from "../image/types.ts";
import { recordEvent } from "../store/event-log.ts";
import { imageUsers } from "../store/image-users.ts";
import type { Store } from "../store/store.ts";
import { type ImageFilter, filterImages } from "./filter-images.ts";
import { type RemovedImage, removeImage } from "./remove-image.ts";

export interface PrunedImages {
  /** Familiar names, and digests as `RemovedImage.deleted` has them, in the order in which they went. */
  removed: ({ untagged: string } | { deleted: Digest })[];
  freedBytes: number;
}

/**
 * Removes the images that no container uses: those without a name (dangling), or with `all` every one. What another
 * command has begun to use or has removed meanwhile is passed over.
 * @param filter `dangling: false` means all, as Docker has it
 */
export async function pruneImages(
  store: Store,
  options: { all?: boolean; filter?: ImageFilter; signal?: AbortSignal },
): Promise<PrunedImages> {
  const { dangling, ...filter } = options.filter ?? {};
  const all = options.all === true || dangling === false;
  const chosen = filterImages(store.images(), { ...filter, dangling: all ? undefined : true }, store);
  const pruned: PrunedImages = { removed: [], freedBytes: 0 };
  for (const { image } of chosen) {
    if (options.signal?.aborted === true) break;
    if (imageUsers(store.layout, image.id).length > 0) continue;
    // By name as long as it has several: only the last one takes the image along.
    for (const reference of image.names.length > 0 ? image.names : [image.id]) {
      const removed = await removeUnlessChanged(store, image, reference);
      if (removed === undefined) continue;
      pruned.removed.push(...removed.untagged.map((untagged) => ({ untagged })));
      pruned.removed.push(...removed.deleted.map((deleted) => ({ deleted })));
      pruned.freedBytes += removed.freedBytes;
    }
  }
  recordEvent(store.layout, {
    type: "image",
    action: "prune",
    id: "",
    attributes: { reclaimed: String(pruned.freedBytes) },
  });
  return pruned;
}

/** Removes what was seen: not if it is used, gone, named or renamed by now. */
async function removeUnlessChanged(store: Store, image: Image, reference: string): Promise<RemovedImage | undefined> {
  return await store.exclusively(async () => {
    try {
      const now = store.resolveNamed(reference);
      const same = now.platforms.some(({ id }) => id === image.id);
      if (!same || (image.names.length === 0 && now.image.names.length > 0)) return undefined;
      return await removeImage(store, reference);
    } catch (error) {
      if (isGantryError(error, "IMAGE_IN_USE") || isGantryError(error, "IMAGE_NOT_FOUND")) return undefined;
      throw error;
    }
  });
}
