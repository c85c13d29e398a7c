import type { Descriptor, Digest, Image } from "../image/types.ts";
import type { StoreLayout } from "./layout.ts";

/**
 * The store (ARCHITECTURE.md, "The store"). Reading needs no lock: records are replaced atomically and name only durable
 * bytes. Writing goes scratch directory -> fsync -> rename -> fsync of the directory -> record, under `exclusively`.
 */
export interface Store {
  readonly layout: StoreLayout;

  /** A directory of this process under tmp/, held by a flock so that no other process cleans it; removed by `dispose`. */
  scratch(): Promise<Scratch>;

  /** Runs `change` while holding the store's exclusive record lock (flock; blocks; released on crash). */
  exclusively<T>(change: () => T | Promise<T>): Promise<T>;

  hasBlob(digest: Digest): boolean;
  hasLayer(diffId: Digest): boolean;

  /** A small blob (manifest, config), whole. @throws BLOB_MISSING */
  readBlob(digest: Digest): Uint8Array;

  /** The layer index (wasm/common/format.ts) of a layer. @throws LAYER_MISSING */
  readLayerIndex(diffId: Digest): Uint8Array;

  /** Every image, newest first by `config.created`. */
  images(): Image[];

  /**
   * Finds one image: name with or without tag (`latest`) and default domain, name@digest, id or a unique prefix of one,
   * with or without `sha256:`.
   * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS
   */
  resolveImage(reference: string): Image;

  /** The same, and the full name that matched; undefined when the reference is an id or a digest. */
  resolveNamed(reference: string): { image: Image; name: string | undefined };

  /** For a reference that is a repository without tag or digest: every name in it, sorted, with its image; else none. */
  repositoryTags(reference: string): { image: Image; name: string }[];

  /**
   * Moves finished files of a scratch directory into place, durably, and records the image under `names` (which move
   * from other images). All or nothing: an image is visible only when everything it needs is durable. An image that the
   * store has keeps its manifest; files that the store has stay, those given are dropped with the scratch directory.
   */
  publish(scratch: Scratch, content: PublishedContent): Promise<Image>;

  /** The same for several images, which become visible together; files that they share are given once or often. */
  publishAll(scratch: Scratch, contents: PublishedContent[]): Promise<Image[]>;

  /** Adds a name to an image; the name moves if another image has it. */
  tag(image: Digest, name: string): Promise<void>;

  /** Removes one name. The image stays, dangling if it was the last. */
  untag(name: string): Promise<void>;

  /** Removes the image's record and every blob, layer and chain that nothing else needs. Returns what went. */
  removeImage(image: Digest): Promise<RemovedContent>;
}

export interface Scratch {
  readonly path: string;
  dispose(): Promise<void>;
}

export interface PublishedBlob {
  digest: Digest;
  file: string;
  /** It is known to be durable, being a hard link to a file of the store. */
  durable?: boolean;
}

export interface PublishedLayer {
  diffId: Digest;
  tar?: string;
  blob?: Digest;
  index: string;
  durable?: boolean;
}

export interface PublishedContent {
  /** Verified files in the scratch directory, by the digest that they were verified against. */
  blobs: PublishedBlob[];
  /** `tar`: omitted where the layer's uncompressed bytes are the blob `blob` itself, which is then hard-linked. */
  layers: PublishedLayer[];
  manifest: Descriptor;
  names: string[];
}

export interface RemovedContent {
  layers: Digest[];
  bytes: number;
}
