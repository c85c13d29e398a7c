import type { Image } from "../image/types.ts";
import type { Store } from "../store/store.ts";

/**
 * Every image of the store, newest first. Names are in `names` (full form), the size in `sizeBytes`; config and layers
 * are read when they are looked at.
 * @throws STORE_CORRUPT
 */
export function listImages(store: Store): Image[] {
  return store.images();
}
