import { familiarReference, fullTagName } from "../image/reference.ts";
import type { Store } from "../store/store.ts";
import { imageEvent } from "./image-event.ts";

/**
 * Gives the image that `source` names the name `target` as well. A name that another image has moves, as Docker does it.
 * The name of a multi-platform image, or its index's digest, means all its platforms; an id means one.
 * @returns the full name
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, REFERENCE_INVALID
 */
export async function tagImage(store: Store, source: string, target: string): Promise<string> {
  const name = fullTagName(target);
  const { image, platforms, index } = store.resolveNamed(source);
  const ids = platforms.map(({ id }) => id);
  await store.tag(ids, name, index);
  imageEvent(store.layout, image, "tag", familiarReference(name));
  return name;
}
