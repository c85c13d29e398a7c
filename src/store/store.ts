import type { Descriptor, Digest, Image, Platform, ReceivedIndex } from "../image/types.ts";
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
  /** Whether an image of this id is recorded. */
  hasImage(id: Digest): boolean;

  /** A small blob (manifest, config), whole. @throws BLOB_MISSING */
  readBlob(digest: Digest): Uint8Array;

  /** The layer index (wasm/common/format.ts) of a layer. @throws LAYER_MISSING */
  readLayerIndex(diffId: Digest): Uint8Array;

  /** Every image, newest first by `config.created`. */
  images(): Image[];

  /**
   * Finds one image: name with or without tag (`latest`) and default domain, name@digest, id or a unique prefix of one,
   * with or without `sha256:`; a digest may also be that of a manifest or an index. Of the platforms that a name or an
   * index means it is the one asked for; when none is, the host's or what the host runs, else the first.
   * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS; PLATFORM_NOT_FOUND with the platforms that there are, if `platform` is given
   */
  resolveImage(reference: string, options?: ResolveImageOptions): Image;

  /** The same, and what it was found by. Throws as resolveImage does. */
  resolveNamed(reference: string, options?: ResolveImageOptions): NamedImage;

  /**
   * For a reference that is a repository without tag or digest: every name in it, sorted, with the image that the name
   * resolves to; else none.
   */
  repositoryTags(reference: string): { image: Image; name: string }[];

  /**
   * Moves finished files of a scratch directory into place, durably, and records the image under `names` (which move
   * from other images). All or nothing: an image is visible only when everything it needs is durable. An image that the
   * store has keeps its manifest; files that the store has stay, those given are dropped with the scratch directory.
   */
  publish(scratch: Scratch, content: PublishedContent): Promise<Image>;

  /** The same for several images, which become visible together; files that they share are given once or often. */
  publishAll(scratch: Scratch, contents: PublishedContent[]): Promise<Image[]>;

  /**
   * Adds a name to an image, or to the platforms of the index `index`, which the name then means; the name moves if another
   * image has it.
   */
  tag(images: Digest | readonly Digest[], name: string, index?: Descriptor): Promise<void>;

  /** Removes one name, from all platforms that have it. The images stay, dangling if it was the last. */
  untag(name: string): Promise<void>;

  /**
   * Removes the records of one image or several and every blob, layer and chain that nothing else needs, all or nothing.
   * Returns what went.
   */
  removeImage(images: Digest | readonly Digest[]): Promise<RemovedContent>;

  /**
   * Removes layers and their chain if nothing needs them any more: for the last container on an image that was removed by
   * force. Returns what went.
   */
  releaseLayers(diffIds: readonly Digest[]): Promise<RemovedContent>;

  /** Removes every blob, layer and chain that no image and no container needs. Returns what went. */
  collectUnneeded(): Promise<RemovedContent>;
}

export interface ResolveImageOptions {
  /** Exactly this platform. */
  platform?: Platform | undefined;
}

/** An image and what a reference to it means. */
export interface NamedImage {
  image: Image;
  /** The full name that matched; undefined when the reference is an id or a digest. */
  name: string | undefined;
  /** Every image that the reference means: the platforms of an index, or `image` alone. */
  platforms: Image[];
  /** The index that the reference means; undefined for an id, and for a name that means one image alone. */
  index: Descriptor | undefined;
}

export interface Scratch {
  readonly path: string;
  /** Removes it; but an intent in it (intent.ts), which says that something is half done, is left to the next command. */
  dispose(): Promise<void>;
  /** Lets go of it as it is: the next command ends or undoes what was begun in it. */
  abandon(): Promise<void>;
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
  /** What the record is to say of the platform; the config's word when not given. */
  platform?: Platform;
  /** The index that lists the image and that `names` mean. It and its parts are among `blobs`, or in the store. */
  index?: Omit<ReceivedIndex, "names">;
}

export interface RemovedContent {
  layers: Digest[];
  bytes: number;
}
