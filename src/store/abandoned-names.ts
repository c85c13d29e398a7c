import { existsSync, readdirSync, readlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { StoreLayout } from "./layout.ts";

const CONTAINER_ID = /^[0-9a-f]{64}$/;

/**
 * The containers that a scratch directory's maker was making or removing: `<id>`, `removed/<id>`, and `rm-<id>` itself,
 * which a shim makes (native/shim/src/removal.rs).
 */
export function containersIn(scratch: string): string[] {
  const own = /rm-([0-9a-f]{64})$/.exec(scratch)?.[1];
  const found = [...listing(scratch), ...listing(join(scratch, "removed"))].filter((name) => CONTAINER_ID.test(name));
  return own === undefined ? found : [...found, own];
}

/** Frees the names of containers that are not there: their maker or remover died. The record lock is held. */
export function releaseAbandonedNames(layout: StoreLayout, ids: readonly string[]): void {
  const gone = ids.filter((id) => !existsSync(layout.container(id)));
  if (gone.length === 0) return;
  for (const name of listing(layout.containerNamesDir())) {
    try {
      if (gone.includes(readlinkSync(layout.containerName(name)))) unlinkSync(layout.containerName(name));
    } catch {
      // Its container's remover has just freed it.
    }
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
