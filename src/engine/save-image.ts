import { hybridLayout } from "../archive/hybrid-layout.ts";
import { layerCompression } from "../archive/layer-compression.ts";
import { blobItems, ociArchiveItems } from "../archive/oci-items.ts";
import { type OutputTarget, writeOutput } from "../archive/output-file.ts";
import { type SavedEntry, savedIndex } from "../archive/saved-entry.ts";
import { plainLayer, receivedLayer, type SavedImage, savedImage, type SavedLayer } from "../archive/saved-image.ts";
import { planArchive } from "../archive/write-archive.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { type DeltaBase, deltaAnnotations } from "../image/delta.ts";
import { OCI_LAYER } from "../image/media-types.ts";
import type { Digest, Image, Platform } from "../image/types.ts";
import type { CompressionMethod } from "../kernels/compress-block.ts";
import type { Scratch, Store } from "../store/store.ts";
import { chooseImages, type ChosenEntry } from "./choose-images.ts";
import { imageEvent } from "./image-event.ts";

export interface SaveOptions {
  /**
   * `docker-archive`: the layout of Docker 25 and later, which older ones and all other tools read as well; the default.
   * `oci-archive`: an OCI image layout in a tar. `oci-dir`: one in a directory, new or added to.
   */
  format?: "docker-archive" | "oci-archive" | "oci-dir";
  /**
   * Layers as their tars, or compressed; those that are compressed in that way stay as they are. Default: as received,
   * except that docker-archive has the tars of layers in zstd, which Docker before 23 does not read.
   */
  compression?: "none" | CompressionMethod;
  /** Exactly these platforms of each image; default: all that the store has. */
  platforms?: readonly Platform[];
  /** Images whose layers are left out: whoever loads the archive has them. */
  since?: readonly string[];
}

export interface SavedArchive {
  /** Bytes written. */
  bytes: number;
}

/**
 * Saves images with their configs and, unless told otherwise, their manifests and layers as they were received. A name
 * saves the image under that name, with all its platforms; a repository without a tag saves all its tags, as Docker does;
 * an id saves the image without names. Sizes are known, and what can go wrong with images has gone wrong, before the first
 * byte is written; layers that are compressed are held in the store's scratch space meanwhile. The same images and options
 * give the same bytes.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, BLOB_MISSING, STORE_CORRUPT, OUTPUT_INVALID, NO_SPACE,
 * CANCELLED, SYSTEM_CALL_FAILED
 */
export async function saveImages(
  store: Store,
  references: readonly string[],
  target: OutputTarget,
  options: SaveOptions,
  reporter: Reporter,
): Promise<SavedArchive> {
  const chosen = chooseImages(store, references, options.platforms ?? []);
  const bases = (options.since ?? []).map((reference) => store.resolveNamed(reference));
  const leftOut = new Set(bases.flatMap(({ platforms }) => platforms.flatMap(blobsAtHand)));
  const annotations = bases.length === 0 ? undefined : deltaAnnotations(bases.map(deltaBase));
  const forms = new LayerForms(store, options, leftOut);
  try {
    await forms.compress(chosen, reporter);
    const entries = savedEntries(store, chosen, forms);
    const written = await write(store, { entries, annotations }, target, options.format ?? "docker-archive", reporter);
    for (const { images } of chosen) for (const image of images) imageEvent(store.layout, image, "save");
    return written;
  } catch (error) {
    throw reporter.signal.aborted ? new GantryError("CANCELLED", "cancelled", { cause: error }) : error;
  } finally {
    await forms.dispose();
  }
}

async function write(
  store: Store,
  { entries, annotations }: { entries: SavedEntry[]; annotations: Record<string, string> | undefined },
  target: OutputTarget,
  format: NonNullable<SaveOptions["format"]>,
  reporter: Reporter,
): Promise<SavedArchive> {
  const { blob } = store.layout;
  if (format === "oci-dir") {
    if ("fd" in target) throw new GantryError("USAGE", "an OCI layout directory cannot be written to a stream");
    const { writeLayout } = await import("../archive/layout-output.ts");
    const content = { blobs: blobItems(entries, blob), entries, annotations };
    return { bytes: await writeLayout(target.path, content, reporter) };
  }
  const itemsOf = format === "oci-archive" ? ociArchiveItems : hybridLayout;
  const plan = planArchive(itemsOf(entries, blob, annotations));
  try {
    await writeOutput(target, plan.totalBytes, reporter.signal, (fd) => plan.write(fd, reporter));
  } finally {
    plan.close();
  }
  return { bytes: plan.totalBytes };
}

function savedEntries(store: Store, chosen: ChosenEntry[], forms: LayerForms): SavedEntry[] {
  const saved = new Map<Digest, SavedImage>();
  const savedOf = (image: Image): SavedImage => {
    const known = saved.get(image.id) ?? savedImage(store, image, (layer) => forms.of(layer));
    saved.set(image.id, known);
    return known;
  };
  return chosen.map(({ names, images, index }) => {
    const all = images.map(savedOf);
    return { names, images: all, index: index === undefined ? undefined : savedIndex(all, index) };
  });
}

/**
 * The blobs that a store with the image has at hand: those of its manifest, and its layers' tars, which gantry keeps
 * beside them.
 */
function blobsAtHand(image: Image): Digest[] {
  return image.layers.flatMap(({ diffId, blob }) => [diffId, blob.digest]);
}

function deltaBase({ image, name }: { image: Image; name: string | undefined }): DeltaBase {
  return { id: image.id, ...(name === undefined ? {} : { name }) };
}

/** Decides in which form each layer goes into the archive. */
class LayerForms {
  #compressed = new Map<Digest, SavedLayer>();
  #scratch: Scratch | undefined;

  constructor(
    private readonly store: Store,
    private readonly options: SaveOptions,
    private readonly leftOut: ReadonlySet<Digest>,
  ) {}

  /** Makes what has to be made, once for each layer. */
  async compress(chosen: ChosenEntry[], reporter: Reporter): Promise<void> {
    const { compression } = this.options;
    if (compression === undefined || compression === "none") return;
    const wanted = new Map<Digest, { diffId: Digest; tar: string }>();
    for (const layer of chosen.flatMap(({ images }) => images).flatMap(({ layers }) => layers)) {
      if (this.leftOut.has(layer.blob.digest) || this.#kindOf(layer) === compression.kind) continue;
      wanted.set(layer.diffId, { diffId: layer.diffId, tar: this.store.layout.layerTar(layer.diffId) });
    }
    if (wanted.size === 0) return;
    const { compressLayers } = await import("../archive/compress-layers.ts");
    this.#scratch = await this.store.scratch();
    this.#compressed = await compressLayers([...wanted.values()], compression, this.#scratch.path, reporter);
  }

  of(layer: Image["layers"][0]): SavedLayer {
    const { compression, format = "docker-archive" } = this.options;
    if (this.leftOut.has(layer.blob.digest)) return { ...layer, file: undefined };
    if (compression === "none") return plainLayer(this.store, layer, OCI_LAYER);
    if (compression === undefined) {
      const dockerReads = format !== "docker-archive" || this.#kindOf(layer) !== "zstd";
      return dockerReads ? receivedLayer(this.store, layer) : plainLayer(this.store, layer, OCI_LAYER);
    }
    return this.#compressed.get(layer.diffId) ?? receivedLayer(this.store, layer);
  }

  /** Removes the compressed layers. */
  async dispose(): Promise<void> {
    await this.#scratch?.dispose();
  }

  #kindOf(layer: Image["layers"][0]): string {
    return layerCompression(receivedLayer(this.store, layer).file ?? "");
  }
}
