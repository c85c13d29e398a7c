import type { Image } from "../image/types.ts";
import { recordEvent } from "../store/event-log.ts";
import type { StoreLayout } from "../store/layout.ts";

/**
 * Records what happened to an image (event-log.ts). Never throws.
 * @param name what the event calls it: a familiar name, or the id where it is not about a name
 */
export function imageEvent(layout: StoreLayout, image: Image, action: string, name: string = image.id): void {
  recordEvent(layout, { type: "image", action, id: image.id, attributes: { ...labelsOf(image), name } });
}

function labelsOf(image: Image): Readonly<Record<string, string>> {
  try {
    return image.config.config?.Labels ?? {};
  } catch {
    return {}; // a damaged image can be removed, and its removal told
  }
}
