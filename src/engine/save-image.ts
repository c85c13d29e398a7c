import type { Reporter } from "../events/progress.ts";
import type { Platform } from "../image/types.ts";
import type { Store } from "../store/store.ts";

/** A file to be made or replaced, or an open descriptor: standard output, a pipe. */
export type SaveTarget = { path: string } | { fd: number };

export interface SaveOptions {
  /** Refuse images of another platform. */
  platform?: Platform;
}

export interface SavedArchive {
  bytes: number;
}

export async function saveImages(
  store: Store,
  references: string[],
  target: SaveTarget,
  options: SaveOptions,
  reporter: Reporter,
): Promise<SavedArchive> {
  throw new Error(`not yet: ${JSON.stringify([store.layout.root, references, target, options, reporter.signal])}`);
}
