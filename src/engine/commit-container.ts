import { closeSync, linkSync, openSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { treeDataBytes } from "../archive/tree-size.ts";
import { writeTree } from "../archive/tree-writer.ts";
import { isGantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { childImageConfig } from "../image/child-config.ts";
import { digestHex, digestOf } from "../image/digest.ts";
import { applyChanges } from "../image/instructions/apply-changes.ts";
import { DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER } from "../image/media-types.ts";
import { familiarReference, fullTagName } from "../image/reference.ts";
import { type Timestamp, timestampOf } from "../image/timestamp.ts";
import type { Descriptor, Digest, Image, ImageConfig } from "../image/types.ts";
import { Sha256 } from "../kernels/sha256.ts";
import { containerEvent } from "../runtime/container-event.ts";
import { clampTimes } from "../layer/clamp-times.ts";
import { type ContainerRecord, readContainerRecord } from "../runtime/container-record.ts";
import { containerLayer, type IndexedTree } from "../runtime/container-tree.ts";
import { findContainer } from "../runtime/find-container.ts";
import { whileFrozen } from "../runtime/freezer.ts";
import { requireSpace } from "../store/free-space.ts";
import type { PublishedBlob, PublishedContent, Scratch, Store } from "../store/store.ts";
import { warnOfLosses } from "./export-container.ts";
import { writeImageDocuments } from "./image-documents.ts";

export interface CommitOptions {
  /** Name of the new image; without one it is dangling. */
  name?: string;
  /** Freeze the container meanwhile, so that files agree with each other. Default true. */
  pause?: boolean;
  author?: string;
  message?: string;
  /** Dockerfile instructions applied to the container's config. */
  changes?: readonly string[];
  /** When the image was made; now where it is not given. Files that are younger are dated so in the new layer. */
  timestamp?: Timestamp;
}

/** What an empty tar is: its layer is left out of the image, and the history says so. */
const EMPTY_TAR_BYTES = 1024;

/**
 * Makes an image of a container: its image and one layer more, with what the container added, changed and deleted.
 * Volumes are not in it. Durable on return.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, REFERENCE_INVALID, INSTRUCTION_INVALID, NO_SPACE, CANCELLED
 */
export async function commitContainer(
  store: Store,
  given: string,
  options: CommitOptions,
  reporter: Reporter,
): Promise<Image> {
  const { timestamp } = options;
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  const names = options.name === undefined ? [] : [fullTagName(options.name)];
  const runConfig = applyChanges(record.config, options.changes ?? []);
  const parent = parentOf(store, record);
  const scratch = await store.scratch();
  try {
    const takeLayer = async (): Promise<NewLayer | undefined> => {
      const walked = await containerLayer(store, record, paths, reporter);
      // The same changes made later, or elsewhere, are then the same layer.
      const tree = timestamp === undefined ? walked : { ...walked, index: clampTimes(walked.index, timestamp) };
      requireSpace(store.layout.root, treeDataBytes(tree.index), "the new layer");
      return await writeLayer(scratch, tree, record.name, reporter);
    };
    const frozen = { scratch: scratch.path, signal: reporter.signal };
    const layer = options.pause === false ? await takeLayer() : await whileFrozen(paths, frozen, takeLayer);
    const config = childImageConfig(parent?.config, {
      runConfig,
      createdBy: record.args.join(" "),
      created: (timestamp ?? timestampOf(Date.now())).text,
      author: options.author ?? "",
      comment: options.message ?? "",
      diffIds: [...record.layers, ...(layer === undefined ? [] : [layer.diffId])],
      emptyLayer: layer === undefined,
    });
    const image = await store.publish(scratch, contentOf(store, scratch, { record, parent, config, layer, names }));
    const told = { comment: options.message ?? "", imageID: image.id, imageRef: names.map(familiarReference).join() };
    containerEvent(store.layout, record, "commit", told);
    return image;
  } finally {
    await scratch.dispose();
  }
}

interface NewLayer {
  diffId: Digest;
  tar: string;
  index: string;
  bytes: number;
}

/** The container's image; undefined if it has been removed by force: its layers are kept while the container is. */
function parentOf(store: Store, record: ContainerRecord): Image | undefined {
  try {
    return store.resolveImage(record.image);
  } catch (error) {
    if (isGantryError(error, "IMAGE_NOT_FOUND")) return undefined;
    throw error;
  }
}

async function writeLayer(
  scratch: Scratch,
  tree: IndexedTree,
  label: string,
  reporter: Reporter,
): Promise<NewLayer | undefined> {
  const task = `commit ${label}`;
  const tar = join(scratch.path, "layer.tar");
  const hash = new Sha256();
  let indexBytes: Uint8Array = new Uint8Array(0);
  const fd = openSync(tar, "wx", 0o600);
  try {
    reporter.emit({ kind: "start", task, label: `Committing ${label}`, totalBytes: treeDataBytes(tree.index) });
    const { tarBytes, changedWhileRead } = await writeTree(tree.index, tree.sources, fd, reporter, {
      task,
      onBytes: (bytes) => {
        hash.update(bytes);
      },
      onIndex: (bytes) => {
        indexBytes = bytes;
      },
    });
    reporter.emit({ kind: "done", task });
    warnOfLosses(reporter, tree.skippedSockets, changedWhileRead);
    if (tarBytes === EMPTY_TAR_BYTES) return undefined;
    const index = join(scratch.path, "layer.index");
    writeFileSync(index, indexBytes);
    return { diffId: digestOf(hash.digestHex()), tar, index, bytes: tarBytes };
  } finally {
    closeSync(fd);
  }
}

/** Everything that the image consists of; its config and manifest are written into the scratch directory. */
function contentOf(
  store: Store,
  scratch: Scratch,
  made: {
    record: ContainerRecord;
    parent: Image | undefined;
    config: ImageConfig;
    layer: NewLayer | undefined;
    names: string[];
  },
): PublishedContent {
  const { record, parent, layer } = made;
  const blobs: PublishedBlob[] = [];
  const docker = parent?.manifest.mediaType === DOCKER_MANIFEST;
  const layers = record.layers.map(
    (diffId, n): Descriptor => parent?.layers[n]?.blob ?? plainLayer(store, scratch, diffId, blobs),
  );
  if (layer !== undefined) {
    layers.push({ mediaType: docker ? DOCKER_LAYER : OCI_LAYER, digest: layer.diffId, size: layer.bytes });
    blobs.push({ digest: layer.diffId, file: layer.tar });
  }
  const documents = writeImageDocuments(scratch.path, made.config, layers, { docker });
  return {
    blobs: [...blobs, ...documents.blobs],
    layers: layer === undefined ? [] : [{ diffId: layer.diffId, blob: layer.diffId, index: layer.index }],
    manifest: documents.manifest,
    names: made.names,
  };
}

/** A layer whose image is gone: its tar, which the container kept, becomes the blob. */
function plainLayer(store: Store, scratch: Scratch, diffId: Digest, blobs: PublishedBlob[]): Descriptor {
  const file = join(scratch.path, `blob-${digestHex(diffId)}`);
  linkSync(store.layout.layerTar(diffId), file);
  blobs.push({ digest: diffId, file, durable: true });
  return { mediaType: OCI_LAYER, digest: diffId, size: statSync(file).size };
}
