import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../image/types.ts";
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
    .filter((container) => readJson(layout, container, "container.json")?.["image"] === id)
    .map((container) => ({
      id: container,
      running: readJson(layout, container, "status.json")?.["status"] === "running",
    }));
}

/** Every container directory, made or in the making. */
export function containerIds(layout: StoreLayout): string[] {
  try {
    return readdirSync(layout.containersDir());
  } catch {
    return [];
  }
}

/** A record of a container; undefined while it is being made or removed. */
export function readJson(layout: StoreLayout, container: string, file: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(join(layout.container(container), file), "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
