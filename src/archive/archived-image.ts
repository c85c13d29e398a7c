import type { DeltaBase } from "../image/delta.ts";
import type { Descriptor, Digest, ImageConfig, Platform } from "../image/types.ts";
import type { ArchiveFile } from "./contents.ts";

/** Everything that an archive says of its images: documents are read and verified, layers are not. */
export interface ArchiveListing {
  /** How messages call the archive. */
  label: string;
  /** In the archive's order; never empty. */
  groups: ArchivedGroup[];
  /** What a delta archive's layers are missing from; empty for any other archive. */
  bases: DeltaBase[];
}

/** What an archive has under one set of names: an image, or the platforms of an index. */
export interface ArchivedGroup {
  /** Full names, in the archive's order. */
  names: string[];
  /** Bare tags (`org.opencontainers.image.ref.name` without a repository), which name nothing by themselves. */
  refTags: string[];
  /** The index over the platforms; undefined for an image that came alone. */
  index?: ArchivedIndex;
  /** In the order of the index. Some may lack layers; none does in an archive that is whole. */
  platforms: PlatformImage[];
  /** What the index lists and the archive does not hold. */
  absent: AbsentPlatform[];
}

export interface ArchivedIndex {
  descriptor: Descriptor;
  bytes: Uint8Array;
  /** What belongs to the index and is no image: nested indexes, attestations with their blobs. Not yet verified. */
  parts: { descriptor: Descriptor; file: ArchiveFile }[];
}

/** An image for one platform, its metadata read and verified. */
export interface PlatformImage {
  /** The digest of the config: the image's id. */
  id: Digest;
  configBytes: Uint8Array;
  config: ImageConfig;
  platform: Platform;
  /** The manifest that the archive brings; undefined for a docker-archive, for which gantry makes one. */
  manifest?: { descriptor: Descriptor; bytes: Uint8Array };
  /** Bottom first, as many as the config's diff_ids. */
  layers: ListedLayer[];
}

export interface ListedLayer {
  diffId: Digest;
  /** Where the manifest says that it is, for messages. */
  name: string;
  /** Undefined if the archive does not have it. */
  file: ArchiveFile | undefined;
  /** What the manifest says of its bytes; undefined where there is no manifest. */
  descriptor?: Descriptor;
}

/** A platform of an index of which the archive has no manifest, or no config. */
export interface AbsentPlatform {
  platform: Platform | undefined;
  manifest: Descriptor;
  /** The blobs that are missing. */
  missing: Digest[];
}

/** An image whose layers are all there. */
export interface ArchivedImage extends Omit<PlatformImage, "layers"> {
  layers: ArchivedLayer[];
  /** Full names, in the archive's order. */
  names: string[];
}

export interface ArchivedLayer extends ListedLayer {
  file: ArchiveFile;
}
