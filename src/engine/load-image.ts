import type { Reporter } from "../events/progress.ts";
import type { Digest, Image, Platform } from "../image/types.ts";
import type { Store } from "../store/store.ts";

/** A file or a directory (OCI layout), or an open descriptor: standard input, a pipe. */
export type LoadSource = { path: string } | { fd: number };

export interface LoadOptions {
  /** Which image to take of a multi-platform index; the host's when not given. */
  platform?: Platform;
}

/** One image of the archive, now in the store. */
export interface LoadedImage {
  image: Image;
  /** The names that the archive gives it, familiar form, in the archive's order; empty: it is shown by its id. */
  names: string[];
  /** Names that an other image had before, familiar form, and that image's id. */
  moved: { name: string; from: Digest }[];
}

export async function loadImages(
  store: Store,
  source: LoadSource,
  options: LoadOptions,
  reporter: Reporter,
): Promise<LoadedImage[]> {
  throw new Error(`not yet: ${JSON.stringify([store.layout.root, source, options, reporter.signal.aborted])}`);
}
