import { join } from "node:path";
import type { Digest } from "../image/types.ts";

/** `sha256:abc` -> `abc`. Digests are validated where they enter; this only cuts. */
function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** Where everything lives under a store's root. Pure: makes paths, touches nothing. */
export class StoreLayout {
  constructor(readonly root: string) {}

  /** `{"version":1}`: the store's format; a newer one is refused. */
  versionFile = (): string => join(this.root, "version.json");
  /** flock target of the record lock. */
  lockFile = (): string => join(this.root, "lock");
  imagesFile = (): string => join(this.root, "images.json");
  /** The same records once more, written after them: what `system fsck` puts back when the file is lost. */
  imagesBackup = (): string => join(this.root, "images.json.backup");
  /** What configs and layer indexes say of images, in short (image-summaries.ts). A cache. */
  summariesFile = (): string => join(this.root, "summaries.json");
  blobsDir = (): string => join(this.root, "blobs", "sha256");
  blob = (digest: Digest): string => join(this.blobsDir(), hexOf(digest));
  layersDir = (): string => join(this.root, "layers");
  layerDir = (diffId: Digest): string => join(this.layersDir(), hexOf(diffId));
  layerTar = (diffId: Digest): string => join(this.layerDir(diffId), "tar");
  layerIndex = (diffId: Digest): string => join(this.layerDir(diffId), "index");
  chainsDir = (): string => join(this.root, "chains");
  /** The merged layer index of a chain (format.ts, INDEX_MERGED). A cache: rebuilt at will. */
  chainIndex = (chainId: Digest): string => join(this.chainsDir(), `${hexOf(chainId)}.index`);
  chainErofs = (chainId: Digest): string => join(this.chainsDir(), `${hexOf(chainId)}.erofs`);
  /** Data that an EROFS image cannot map in a layer's tar, as a sparse file; few chains have one. */
  chainSpill = (chainId: Digest): string => join(this.chainsDir(), `${hexOf(chainId)}.spill`);
  /** What starting a container needs to know of the chain's files (src/runtime/image-facts.ts). A cache. */
  chainFacts = (chainId: Digest): string => join(this.chainsDir(), `${hexOf(chainId)}.facts`);
  /** The chain's tree as real files, for the unpack driver only. */
  chainTree = (chainId: Digest): string => join(this.chainsDir(), `${hexOf(chainId)}.tree`);
  containersDir = (): string => join(this.root, "containers");
  container = (id: string): string => join(this.containersDir(), id);
  /** One symbolic link a container name, to its id: creating it is the atomic claim of the name. */
  containerNamesDir = (): string => join(this.root, "container-names");
  containerName = (name: string): string => join(this.containerNamesDir(), name);
  /** What happened, for `gantry events` (event-log.ts). */
  eventsDir = (): string => join(this.root, "events");
  /** What `system fsck --repair` took out of the way; nobody reads it. */
  quarantineDir = (): string => join(this.root, "quarantine");
  /** Files that hold some space, given up so that something can be removed on a full disk (reserve.ts). */
  reserveDir = (): string => join(this.root, "reserve");
  /** Everything in the making; each maker has a directory of its own, flocked while it lives. */
  tmpDir = (): string => join(this.root, "tmp");
}
