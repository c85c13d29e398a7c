import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ArchivedImage, ArchivedLayer } from "../archive/archived-image.ts";
import { findImages } from "../archive/find-images.ts";
import { type HeldLayer, holdLayer, receivedBlobs } from "../archive/hold-layer.ts";
import { LayerIntake, type TakenLayer } from "../archive/layer-intake.ts";
import { type ArchiveSource, openArchive } from "../archive/open-archive.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { digestHex, digestOf } from "../image/digest.ts";
import { encodeManifest } from "../image/manifest.ts";
import { OCI_MANIFEST } from "../image/media-types.ts";
import { familiarReference } from "../image/reference.ts";
import type { Descriptor, Digest, Image, Platform } from "../image/types.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import { requireSpace } from "../store/free-space.ts";
import type { PublishedBlob, PublishedContent, PublishedLayer, Store } from "../store/store.ts";

/** A file or a directory (OCI layout), or an open descriptor: standard input, a pipe. */
export type LoadSource = ArchiveSource;

export interface LoadOptions {
  /** Which image to take of a multi-platform index; the host's when not given. */
  platform?: Platform;
  /** What the archive may ask for, where not the defaults. */
  limits?: ArchiveLimits;
}

/** One image of the archive, now in the store. */
export interface LoadedImage {
  image: Image;
  /** The names that the archive gives it, familiar form, in the archive's order; empty: it is shown by its id. */
  names: string[];
  /** Names that an other image had before, familiar form, and that image's id. */
  moved: { name: string; from: Digest }[];
}

/**
 * Loads every image of an archive: docker-archive, OCI archive or layout directory, compressed or not, from a file or a
 * pipe. Every digest is verified; all images appear together, durably, or the store stays as it was.
 * @returns in the archive's order
 * @throws ARCHIVE_NOT_FOUND, ARCHIVE_INVALID, ARCHIVE_TRUNCATED, COMPRESSION_UNSUPPORTED, DIGEST_MISMATCH,
 * LAYER_MISSING, MANIFEST_INVALID, CONFIG_INVALID, PLATFORM_NOT_FOUND, LIMIT_EXCEEDED, NO_SPACE, CANCELLED, and the codes of the kernels
 */
export async function loadImages(
  store: Store,
  source: LoadSource,
  options: LoadOptions,
  reporter: Reporter,
): Promise<LoadedImage[]> {
  const scratch = await store.scratch();
  const intake = new LayerIntake(scratch.path, reporter, options.limits);
  const cancel = (): void => void intake.close();
  reporter.signal.addEventListener("abort", cancel);
  try {
    const contents = await openArchive(source, {
      scratch: scratch.path,
      reporter,
      limits: options.limits ?? {},
      storedBlob: (digest) => (store.hasBlob(digest) ? store.layout.blob(digest) : undefined),
      // What a member is, a manifest that comes later says: it is taken for a layer, and no harm done if it is none.
      onSpooling: (file, growing) => void intake.take(file, { keepBlob: true, label: file.name, growing }),
    });
    const images = findImages(contents, options.platform);
    const existing = store.images();
    const load = new Loading(store, scratch.path, intake, existing);
    const published = await load.take(images);
    if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
    const stored = await store.publishAll(scratch, published);
    return stored.map((image, index) => loaded(image, images[index] as ArchivedImage, existing));
  } catch (error) {
    await intake.close(error instanceof Error ? error : undefined);
    throw reporter.signal.aborted ? new GantryError("CANCELLED", "cancelled", { cause: error }) : error;
  } finally {
    reporter.signal.removeEventListener("abort", cancel);
    await intake.close();
    await scratch.dispose();
  }
}

function loaded(image: Image, { names }: ArchivedImage, existing: Image[]): LoadedImage {
  const moved = names.flatMap((name) => {
    const from = existing.find((candidate) => candidate.id !== image.id && candidate.names.includes(name));
    return from === undefined ? [] : [{ name: familiarReference(name), from: from.id }];
  });
  return { image, names: names.map(familiarReference), moved };
}

/** A layer ready to be published: found in the store, or taken in. */
type ReadyLayer = { held: HeldLayer } | { taken: Promise<TakenLayer> };

class Loading {
  readonly #store: Store;
  readonly #scratch: string;
  readonly #intake: LayerIntake;
  readonly #received: Map<Digest, Digest>;
  readonly #held = new Map<Digest, HeldLayer>();

  constructor(store: Store, scratch: string, intake: LayerIntake, existing: Image[]) {
    this.#store = store;
    this.#scratch = scratch;
    this.#intake = intake;
    this.#received = receivedBlobs(existing);
  }

  /** Takes in the layers that the store lacks, largest first, and says what is to be published. */
  async take(images: ArchivedImage[]): Promise<PublishedContent[]> {
    const layers = images.flatMap((image) => image.layers);
    const absent = layers.filter((layer) => this.#hold(layer) === undefined);
    absent.sort((a, b) => b.file.size - a.file.size);
    const bytes = new Map(absent.map((layer) => [layer.file, layer.file.size]));
    requireSpace(
      this.#store.layout.root,
      [...bytes.values()].reduce((sum, size) => sum + size, 0),
      "loading the image",
    );
    for (const layer of absent) void this.#takeLayer(layer);
    await this.#intake.flush();
    const contents: PublishedContent[] = [];
    for (const image of images) contents.push(await this.#content(image));
    return contents;
  }

  #hold(layer: ArchivedLayer): HeldLayer | undefined {
    const blobDigest = layer.descriptor?.digest ?? layer.diffId;
    let held = this.#held.get(blobDigest);
    if (held === undefined) {
      const wanted = { diffId: layer.diffId, blobDigest };
      held = holdLayer(this.#store.layout, this.#scratch, wanted, this.#received);
      if (held !== undefined) this.#held.set(blobDigest, held);
    }
    return held;
  }

  #takeLayer(layer: ArchivedLayer): Promise<TakenLayer> {
    const label = digestHex(layer.descriptor?.digest ?? layer.diffId).slice(0, 12);
    return this.#intake.take(layer.file, { keepBlob: layer.descriptor !== undefined, label });
  }

  async #content(image: ArchivedImage): Promise<PublishedContent> {
    const ready: ReadyLayer[] = image.layers.map((layer) => {
      const held = this.#hold(layer);
      return held === undefined ? { taken: this.#takeLayer(layer) } : { held };
    });
    const blobs: PublishedBlob[] = [this.#write(image.id, image.configBytes)];
    const layers: PublishedLayer[] = [];
    const plain: { digest: Digest; size: number }[] = [];
    for (const [index, layer] of image.layers.entries()) {
      const found = ready[index] as ReadyLayer;
      if ("held" in found) {
        blobs.push(found.held.blob);
        layers.push(found.held.layer);
        plain.push({ digest: layer.diffId, size: statSync(found.held.layer.tar as string).size });
        continue;
      }
      const taken = await found.taken;
      verify(layer, taken);
      blobs.push(blobOf(layer, taken));
      layers.push({
        diffId: layer.diffId,
        index: taken.indexFile,
        ...(taken.facts.compression === "none" || layer.descriptor === undefined
          ? { blob: layer.diffId }
          : { tar: taken.tarFile }),
      });
      plain.push({ digest: layer.diffId, size: taken.facts.tarBytes });
    }
    const manifest = image.manifest ?? madeManifest(image, plain);
    blobs.push(this.#write(manifest.descriptor.digest, manifest.bytes));
    return { blobs, layers, manifest: bare(manifest.descriptor), names: image.names };
  }

  #write(digest: Digest, bytes: Uint8Array): PublishedBlob {
    const file = join(this.#scratch, `document-${digestHex(digest)}`);
    writeFileSync(file, bytes, { mode: 0o600 });
    return { digest, file };
  }
}

/** @throws DIGEST_MISMATCH */
function verify(layer: ArchivedLayer, { facts }: TakenLayer): void {
  const mismatch = (what: string, wanted: Digest, present: Digest): never => {
    throw new GantryError(
      "DIGEST_MISMATCH",
      `the layer ${layer.file.name} does not match its ${what}: it is ${present}, not ${wanted}`,
      {
        remedy: "Copy or save the archive again.",
        details: { name: layer.file.name, wanted, present },
      },
    );
  };
  const received = digestOf(facts.blobSha256);
  const diffId = digestOf(facts.tarSha256);
  const digest = layer.descriptor?.digest;
  if (digest !== undefined && received !== digest) mismatch("digest", digest, received);
  if (diffId !== layer.diffId) mismatch("diffId in the image's config", layer.diffId, diffId);
}

/** The blob of a layer: its bytes as received where a manifest names them, else its tar. */
function blobOf(layer: ArchivedLayer, taken: TakenLayer): PublishedBlob {
  if (layer.descriptor === undefined) return { digest: layer.diffId, file: taken.tarFile };
  return { digest: layer.descriptor.digest, file: taken.blobFile as string };
}

/** The manifest of an image that came without one: deterministic, so the same image always gets the same. */
function madeManifest(image: ArchivedImage, layers: { digest: Digest; size: number }[]) {
  const bytes = encodeManifest({ config: { digest: image.id, size: image.configBytes.length }, layers });
  return { bytes, descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(sha256Hex(bytes)), size: bytes.length } };
}

/** A descriptor without what only its index had to say. */
function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
