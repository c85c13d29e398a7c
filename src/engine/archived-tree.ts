import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { ArchivedImage, ArchivedLayer } from "../archive/archived-image.ts";
import { findImages } from "../archive/find-images.ts";
import { LayerIntake } from "../archive/layer-intake.ts";
import { openArchive } from "../archive/open-archive.ts";
import { scanLayerFile } from "../archive/scan-layer-file.ts";
import type { TreeSource } from "../archive/tree-reader.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { digestHex, digestOf } from "../image/digest.ts";
import { familiarReference, fullTagName } from "../image/reference.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { detectCompression, MAGIC_BYTES } from "../kernels/detect-compression.ts";
import { mergeChain } from "../kernels/layer.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import type { Store } from "../store/store.ts";
import type { FileTree, OpenTreeOptions } from "./file-tree.ts";

/** A layer of an archive, scanned. */
interface ScannedLayer {
  index: Uint8Array;
  source: TreeSource;
  key: string;
}

/**
 * The tree of an image in an archive or layout directory, `FILE` or `FILE:NAME`, without loading it: the headers of plain
 * layers are read in place; compressed layers, and an archive that is compressed as a whole, are decompressed into a scratch directory
 * of the store, which `dispose` removes.
 * @throws ARCHIVE_NOT_FOUND, ARCHIVE_INVALID, IMAGE_NOT_FOUND, DIGEST_MISMATCH and what reading archives throws
 */
export async function openArchivedTree(
  store: Store,
  given: string,
  reporter: Reporter,
  options: OpenTreeOptions = {},
): Promise<FileTree> {
  const { limits = {} } = options;
  const { path, name } = splitName(given);
  const scratch = await store.scratch();
  const intake = new LayerIntake(scratch.path, reporter, limits);
  const cancel = (): void => void intake.close();
  reporter.signal.addEventListener("abort", cancel);
  try {
    const contents = await openArchive(
      { path },
      { scratch: scratch.path, reporter, limits, storedBlob: () => undefined, onSpooling: () => undefined },
    );
    const image = choose(findImages(contents, options), name, path);
    const layers = await scanLayers(image.layers, intake, scratch.path, limits, reporter);
    return {
      kind: "archive",
      label: given,
      id: image.id,
      index: new LayerIndex(mergeChain(layers.map(({ index }) => index))),
      sources: layers.map(({ source }) => source),
      sourceKeys: layers.map(({ key }) => key),
      layers: layers.map(({ index }, n) => ({ diffId: image.layers[n]!.diffId, index: () => new LayerIndex(index) })),
      config: image.config,
      dispose: () => scratch.dispose(),
    };
  } catch (error) {
    await scratch.dispose();
    throw reporter.signal.aborted ? new GantryError("CANCELLED", "cancelled", { cause: error }) : error;
  } finally {
    reporter.signal.removeEventListener("abort", cancel);
    await intake.close();
  }
}

/** `FILE:NAME` where no file is called so as a whole. */
function splitName(given: string): { path: string; name: string | undefined } {
  if (existsSync(given)) return { path: given, name: undefined };
  for (let colon = given.indexOf(":"); colon > 0; colon = given.indexOf(":", colon + 1)) {
    if (existsSync(given.slice(0, colon))) return { path: given.slice(0, colon), name: given.slice(colon + 1) };
  }
  return { path: given, name: undefined };
}

function choose(images: readonly ArchivedImage[], name: string | undefined, path: string): ArchivedImage {
  const [first] = images;
  if (name === undefined) {
    if (first !== undefined && images.every(({ id }) => id === first.id)) return first;
    throw new GantryError("IMAGE_AMBIGUOUS", `${path} holds ${images.length} images: ${listed(images)}`, {
      remedy: `Name one, as in ${path}:NAME.`,
      details: { ids: images.map(({ id }) => id) },
    });
  }
  const hex = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(name)?.[1];
  const found =
    images.find(({ names }) => names.includes(fullTagName(name))) ??
    (hex === undefined ? undefined : images.find(({ id }) => digestHex(id).startsWith(hex)));
  if (found !== undefined) return found;
  throw new GantryError("IMAGE_NOT_FOUND", `${path} holds no image called ${name}: it has ${listed(images)}`, {
    details: { reference: name },
  });
}

function listed(images: readonly ArchivedImage[]): string {
  const names = images.map(({ names, id }) =>
    names.length === 0 ? digestHex(id).slice(0, 12) : names.map(familiarReference).join(", "),
  );
  return names.join(", ");
}

async function scanLayers(
  layers: readonly ArchivedLayer[],
  intake: LayerIntake,
  scratch: string,
  limits: ArchiveLimits,
  reporter: Reporter,
): Promise<ScannedLayer[]> {
  const begun = layers.map((layer) => {
    const { location } = layer.file;
    if ("path" in location && !location.path.startsWith(`${scratch}/`) && isPlain(location.path, location.offset)) {
      return () => Promise.resolve(scanInPlace(layer, location, limits));
    }
    const taken = intake.take(layer.file, { keepBlob: false, label: digestHex(layer.diffId).slice(0, 12) });
    return async (): Promise<ScannedLayer> => {
      const { facts, tarFile, indexFile } = await taken;
      const present = digestOf(facts.tarSha256);
      if (present !== layer.diffId) throw mismatch(layer, present);
      return { index: readFileSync(indexFile), source: { type: "tar", path: tarFile }, key: layer.diffId };
    };
  });
  await intake.flush();
  const scanned: ScannedLayer[] = [];
  for (const finish of begun) {
    scanned.push(await finish());
    // A turn of the event loop, so that a signal is seen.
    await turn();
    if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
  }
  return scanned;
}

/** Its bytes are not hashed, so they are nobody else's: what they hold is compared by reading it. */
function scanInPlace(
  { file }: ArchivedLayer,
  { path, offset }: { path: string; offset: number },
  limits: ArchiveLimits,
): ScannedLayer {
  return {
    index: scanLayerFile(path, offset, file.size, file.name, limits),
    source: { type: "tar", path, offset },
    key: `${realpathSync(path)}:${offset}`,
  };
}

function isPlain(path: string, offset: number): boolean {
  const fd = openSync(path, "r");
  try {
    const start = Buffer.alloc(MAGIC_BYTES);
    return detectCompression(start.subarray(0, readSync(fd, start, 0, MAGIC_BYTES, offset))) === "none";
  } finally {
    closeSync(fd);
  }
}

function mismatch(layer: ArchivedLayer, present: string): GantryError {
  return new GantryError(
    "DIGEST_MISMATCH",
    `the layer ${layer.file.name} does not match its diffId in the image's config: it is ${present}, not ${layer.diffId}`,
    { remedy: "Copy or save the archive again.", details: { name: layer.file.name, wanted: layer.diffId, present } },
  );
}
