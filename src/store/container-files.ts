import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { StoreLayout } from "./layout.ts";

const CONTAINER_ID = /^[0-9a-f]{64}$/;

/** The ids of every container, in no order. Any of them may be gone by the time one looks. */
export function containerIds(layout: StoreLayout): string[] {
  try {
    return readdirSync(layout.containersDir()).filter((name) => CONTAINER_ID.test(name));
  } catch {
    return [];
  }
}

/** A JSON object in a container's directory; undefined while it is being made or removed. */
export function readContainerFile(
  layout: StoreLayout,
  container: string,
  file: string,
): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(join(layout.container(container), file), "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
