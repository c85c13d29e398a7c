import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ArchivedGroup, ListedLayer, PlatformImage } from "../archive/archived-image.ts";
import type { ArchiveFile } from "../archive/contents.ts";
import { copyVerified } from "../archive/copy-verified.ts";
import { type HeldLayer, holdLayer, receivedBlobs } from "../archive/hold-layer.ts";
import type { LayerIntake, TakenLayer } from "../archive/layer-intake.ts";
import { GantryError } from "../errors/index.ts";
import { digestHex, digestOf } from "../image/digest.ts";
import { encodeManifest } from "../image/manifest.ts";
import { OCI_MANIFEST } from "../image/media-types.ts";
import type { Descriptor, Digest, Image } from "../image/types.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import { requireSpace } from "../store/free-space.ts";
import type { PublishedBlob, PublishedContent, PublishedLayer, Store } from "../store/store.ts";

/** A layer of an image: found in the store, as it was received or as its tar alone, or taken in from the archive. */
type ReadyLayer = { held: HeldLayer; plain: boolean } | { taken: Promise<TakenLayer> };

/** Takes the layers of an archive's images into a scratch directory, but for those that the store has. */
export class LayerLoading {
  readonly #store: Store;
  readonly #scratch: string;
  readonly #intake: LayerIntake;
  readonly #received: Map<Digest, Digest>;
  readonly #held = new Map<Digest, HeldLayer>();

  /** @param existing the store's images */
  constructor(store: Store, scratch: string, intake: LayerIntake, existing: Image[]) {
    this.#store = store;
    this.#scratch = scratch;
    this.#intake = intake;
    this.#received = receivedBlobs(existing, store.layout);
  }

  /** Whether a layer is at hand. One that only the store has is held from now on: nobody's removal takes it away. */
  has(layer: ListedLayer): boolean {
    return layer.file !== undefined || this.#find(layer) !== undefined;
  }

  /**
   * Takes in what the store lacks, largest first, verifies it, and says what is to be published: one content a platform.
   * @throws DIGEST_MISMATCH, NO_SPACE, and what taking layers throws
   */
  async take(groups: ArchivedGroup[]): Promise<PublishedContent[]> {
    const layers = groups.flatMap(({ platforms }) => platforms).flatMap((image) => image.layers);
    const absent = layers.flatMap((layer) => {
      const { file } = layer;
      return file === undefined || this.#exact(layer) !== undefined ? [] : [{ ...layer, file }];
    });
    absent.sort((a, b) => b.file.size - a.file.size);
    const bytes = new Map(absent.map((layer) => [layer.file, layer.file.size]));
    requireSpace(
      this.#store.layout.root,
      [...bytes.values()].reduce((sum, size) => sum + size, 0),
      "loading the image",
    );
    for (const layer of absent) void this.#takeLayer(layer, layer.file);
    await this.#intake.flush();
    const contents: PublishedContent[] = [];
    for (const group of groups) {
      const shared = this.#indexContent(group);
      for (const image of group.platforms) contents.push(await this.#content(image, group.names, shared));
    }
    return contents;
  }

  /** The layer in the store, its bytes as received; else, where the archive lacks it, its tar. */
  #find(layer: ListedLayer): { held: HeldLayer; plain: boolean } | undefined {
    const exact = this.#exact(layer);
    if (exact !== undefined) return { held: exact, plain: false };
    if (layer.file !== undefined) return undefined;
    const tar = this.#hold(layer.diffId, layer.diffId);
    return tar && { held: tar, plain: true };
  }

  #exact({ diffId, descriptor }: ListedLayer): HeldLayer | undefined {
    return this.#hold(diffId, descriptor?.digest ?? diffId);
  }

  #hold(diffId: Digest, blobDigest: Digest): HeldLayer | undefined {
    let held = this.#held.get(blobDigest);
    if (held === undefined) {
      held = holdLayer(this.#store.layout, this.#scratch, { diffId, blobDigest }, this.#received);
      if (held !== undefined) this.#held.set(blobDigest, held);
    }
    return held;
  }

  #takeLayer({ diffId, descriptor }: ListedLayer, file: ArchiveFile): Promise<TakenLayer> {
    const label = digestHex(descriptor?.digest ?? diffId).slice(0, 12);
    return this.#intake.take(file, { keepBlob: descriptor !== undefined, label });
  }

  async #content(
    image: PlatformImage,
    names: string[],
    shared: Pick<PublishedContent, "blobs" | "index">,
  ): Promise<PublishedContent> {
    const ready = image.layers.map((layer): ReadyLayer => {
      const found = this.#find(layer);
      return found ?? { taken: this.#takeLayer(layer, layer.file as ArchiveFile) };
    });
    // Where the store has but the tar of a layer, the manifest's compressed bytes are nowhere: the image gets a manifest
    // of its tars, as an old docker-archive does. Its id and diffIds are the same.
    const plain = image.manifest === undefined || ready.some((layer) => "held" in layer && layer.plain);
    const blobs: PublishedBlob[] = [...shared.blobs, this.#write(image.id, image.configBytes)];
    const layers: PublishedLayer[] = [];
    const tars: { digest: Digest; size: number }[] = [];
    for (const [position, layer] of image.layers.entries()) {
      const { blob, published, tarBytes } = await this.#readied(layer, ready[position] as ReadyLayer, plain);
      blobs.push(blob);
      layers.push(published);
      tars.push({ digest: layer.diffId, size: tarBytes });
    }
    const manifest = plain ? madeManifest(image, tars) : (image.manifest as NonNullable<typeof image.manifest>);
    blobs.push(this.#write(manifest.descriptor.digest, manifest.bytes));
    return {
      blobs,
      layers,
      manifest: bare(manifest.descriptor),
      names,
      platform: image.platform,
      ...(shared.index === undefined ? {} : { index: shared.index }),
    };
  }

  async #readied(
    layer: ListedLayer,
    ready: ReadyLayer,
    plain: boolean,
  ): Promise<{ blob: PublishedBlob; published: PublishedLayer; tarBytes: number }> {
    if ("held" in ready) {
      const held = plain ? (this.#hold(layer.diffId, layer.diffId) as HeldLayer) : ready.held;
      return { blob: held.blob, published: held.layer, tarBytes: statSync(held.layer.tar as string).size };
    }
    const { diffId, descriptor } = layer;
    const { facts, tarFile, blobFile, indexFile } = await ready.taken;
    verify(layer, facts);
    const ownTar = facts.compression !== "none" && descriptor !== undefined && !plain;
    return {
      blob: ownTar ? { digest: descriptor.digest, file: blobFile as string } : { digest: diffId, file: tarFile },
      published: { diffId, index: indexFile, ...(ownTar ? { tar: tarFile } : { blob: diffId }) },
      tarBytes: facts.tarBytes,
    };
  }

  /** What all platforms of a group have in common: the index and what belongs to it. */
  #indexContent({ index }: ArchivedGroup): Pick<PublishedContent, "blobs" | "index"> {
    if (index === undefined) return { blobs: [] };
    const parts = index.parts.map(({ descriptor, file }): PublishedBlob => {
      const to = this.#document(descriptor.digest);
      if (statSync(to, { throwIfNoEntry: false }) === undefined) copyVerified(file, descriptor, to);
      return { digest: descriptor.digest, file: to };
    });
    const descriptors = index.parts.map(({ descriptor }) => descriptor);
    return {
      blobs: [...parts, this.#write(index.descriptor.digest, index.bytes)],
      index: { descriptor: index.descriptor, ...(descriptors.length === 0 ? {} : { parts: descriptors }) },
    };
  }

  #write(digest: Digest, bytes: Uint8Array): PublishedBlob {
    const file = this.#document(digest);
    writeFileSync(file, bytes, { mode: 0o600 });
    return { digest, file };
  }

  #document(digest: Digest): string {
    return join(this.#scratch, `document-${digestHex(digest)}`);
  }
}

/** @throws DIGEST_MISMATCH */
function verify(layer: ListedLayer, facts: TakenLayer["facts"]): void {
  const mismatch = (what: string, wanted: Digest, present: Digest): never => {
    throw new GantryError(
      "DIGEST_MISMATCH",
      `the layer ${layer.name} does not match its ${what}: it is ${present}, not ${wanted}`,
      {
        remedy: "Copy or save the archive again.",
        details: { name: layer.name, wanted, present },
      },
    );
  };
  const received = digestOf(facts.blobSha256);
  const diffId = digestOf(facts.tarSha256);
  const digest = layer.descriptor?.digest;
  if (digest !== undefined && received !== digest) mismatch("digest", digest, received);
  if (diffId !== layer.diffId) mismatch("diffId in the image's config", layer.diffId, diffId);
}

/** The manifest of an image that came without one: deterministic, so the same image always gets the same. */
function madeManifest(image: PlatformImage, layers: { digest: Digest; size: number }[]) {
  const bytes = encodeManifest({ config: { digest: image.id, size: image.configBytes.length }, layers });
  return { bytes, descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(sha256Hex(bytes)), size: bytes.length } };
}

/** A descriptor without what only its index had to say. */
function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
