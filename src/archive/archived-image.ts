import type { Descriptor, Digest, ImageConfig } from "../image/types.ts";
import type { ArchiveFile } from "./contents.ts";

/** One image of an archive, its metadata read and verified, its layers not yet. */
export interface ArchivedImage {
  /** The digest of the config: the image's id. */
  id: Digest;
  configBytes: Uint8Array;
  config: ImageConfig;
  /** The manifest that the archive brings; undefined for a docker-archive, for which gantry makes one. */
  manifest?: { descriptor: Descriptor; bytes: Uint8Array };
  /** Bottom first, as many as the config's diff_ids. */
  layers: ArchivedLayer[];
  /** Full names, in the archive's order. */
  names: string[];
}

export interface ArchivedLayer {
  diffId: Digest;
  file: ArchiveFile;
  /** What the manifest says of the bytes in `file`; undefined where there is no manifest. */
  descriptor?: Descriptor;
}
