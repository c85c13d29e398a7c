import type { Digest } from "../image/types.ts";
import { containerIds, readContainerFile } from "./container-files.ts";
import type { StoreLayout } from "./layout.ts";

/** A container that was made from an image. */
export interface ImageUser {
  id: string;
  running: boolean;
}

/**
 * The containers whose record names the image `id` (`image` in container.json). Whether one runs is read from its
 * status.json alone: a shim that was killed counts as running until the next `ps` notices.
 */
export function imageUsers(layout: StoreLayout, id: Digest): ImageUser[] {
  return containerIds(layout)
    .filter((container) => readContainerFile(layout, container, "container.json")?.["image"] === id)
    .map((container) => ({
      id: container,
      running: readContainerFile(layout, container, "status.json")?.["status"] === "running",
    }));
}
