import { fullTagName } from "../image/reference.ts";
import type { Store } from "../store/store.ts";

/**
 * Gives the image that `source` names the name `target` as well. A name that another image has moves, as Docker does it.
 * @returns the full name
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, REFERENCE_INVALID
 */
export async function tagImage(store: Store, source: string, target: string): Promise<string> {
  const name = fullTagName(target);
  await store.tag(store.resolveImage(source).id, name);
  return name;
}
