import { join } from "node:path";
import { isLocked } from "../bridge/index.ts";
import type { Digest } from "../image/types.ts";
import { containerIds, readContainerFile } from "./container-files.ts";
import type { StoreLayout } from "./layout.ts";

/** A container that was made from an image. */
export interface ImageUser {
  id: string;
  running: boolean;
}

/**
 * The containers whose record names the image `id` (`image` in container.json). One runs, or is just being started, while
 * its shim holds its lock, whatever a shim that was killed left in status.json.
 */
export function imageUsers(layout: StoreLayout, id: Digest): ImageUser[] {
  return containerIds(layout)
    .filter((container) => readContainerFile(layout, container, "container.json")?.["image"] === id)
    .map((container) => ({ id: container, running: isRunning(layout, container) }));
}

function isRunning(layout: StoreLayout, container: string): boolean {
  if (readContainerFile(layout, container, "status.json")?.["status"] === "exited") return false;
  return isLocked(join(layout.container(container), "shim.lock"));
}
