import { withoutCredentials } from "../archive/download.ts";
import { takeStream } from "../archive/stream-intake.ts";
import { openTarSource, type TarSource } from "../archive/tar-source.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { childImageConfig } from "../image/child-config.ts";
import { digestOf } from "../image/digest.ts";
import { applyChanges } from "../image/instructions/apply-changes.ts";
import { OCI_LAYER } from "../image/media-types.ts";
import { familiarReference, fullTagName } from "../image/reference.ts";
import { type Timestamp, timestampOf } from "../image/timestamp.ts";
import type { Image, Platform } from "../image/types.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { LayerIndex } from "../layer/layer-index.ts";
import { requireSpace } from "../store/free-space.ts";
import type { Store } from "../store/store.ts";
import { writeImageDocuments } from "./image-documents.ts";
import { imageEvent } from "./image-event.ts";

/** A file, a URL (http, https) or an open descriptor: standard input, a pipe. */
export type ImportSource = TarSource;

export interface ImportOptions {
  /** Name of the new image; without one it is dangling. */
  name?: string;
  /** Dockerfile instructions for the image's config. */
  changes?: readonly string[];
  /** The image's comment; "Imported from ..." where it is empty. */
  message?: string;
  /** The host's where it is not given. */
  platform?: Platform;
  /** When the image was made; now where it is not given. */
  timestamp?: Timestamp;
  limits?: ArchiveLimits;
}

/**
 * Makes an image of one layer of a tar, plain or compressed. The tar becomes the layer byte for byte, whatever it was
 * compressed with: the same tar at the same timestamp is the same image. Durable on return.
 * @throws REFERENCE_INVALID, INSTRUCTION_INVALID, ARCHIVE_NOT_FOUND, ARCHIVE_INVALID, DOWNLOAD_FAILED,
 * COMPRESSION_UNSUPPORTED, TAR_INVALID, LAYER_INVALID and the other codes of the kernels, LIMIT_EXCEEDED, NO_SPACE, CANCELLED
 */
export async function importImage(
  store: Store,
  source: ImportSource,
  options: ImportOptions,
  reporter: Reporter,
): Promise<Image> {
  const names = options.name === undefined ? [] : [fullTagName(options.name)];
  // Before the first byte: nobody wants to know about a bad instruction after a long download.
  const runConfig = applyChanges({}, options.changes ?? []);
  const scratch = await store.scratch();
  try {
    const opened = await openTarSource(source, reporter.signal);
    try {
      if (opened.totalBytes !== undefined) requireSpace(store.layout.root, opened.totalBytes, "importing the image");
      const taken = await takeStream(opened, scratch.path, reporter, options.limits);
      if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
      warnOfImageArchive(new LayerIndex(taken.index), opened.label, reporter);
      const diffId = digestOf(taken.sha256);
      const message = options.message ?? "";
      const config = childImageConfig(undefined, {
        runConfig,
        comment: message === "" ? `Imported from ${sourceName(source)}` : message,
        created: (options.timestamp ?? timestampOf(Date.now())).text,
        diffIds: [diffId],
        ...(options.platform === undefined ? {} : { platform: options.platform }),
      });
      const documents = writeImageDocuments(scratch.path, config, [
        { mediaType: OCI_LAYER, digest: diffId, size: taken.tarBytes },
      ]);
      const image = await store.publish(scratch, {
        blobs: [{ digest: diffId, file: taken.tarFile }, ...documents.blobs],
        layers: [{ diffId, blob: diffId, index: taken.indexFile }],
        manifest: documents.manifest,
        names,
      });
      imageEvent(store.layout, image, "import", names.map(familiarReference)[0]);
      return image;
    } finally {
      opened.close();
    }
  } finally {
    await scratch.dispose();
  }
}

/** Docker's daemon never learns a file's name: what its client sends is "-". */
function sourceName(source: ImportSource): string {
  return "url" in source ? withoutCredentials(source.url) : "-";
}

/** What `docker save`, `skopeo` and others write is a tar as well, but not of a file system. */
function warnOfImageArchive(index: LayerIndex, label: string, reporter: Reporter): void {
  const has = (name: string): boolean => {
    const node = index.child(0, Buffer.from(name));
    const inode = node === undefined ? undefined : index.inodeOf(node);
    return inode !== undefined && index.isRegular(inode);
  };
  const isLayout = has("oci-layout") && has("index.json");
  if (!isLayout && !has("manifest.json")) return;
  reporter.emit({
    kind: "message",
    level: "warning",
    text: `${label} looks like an image archive, not like a root file system: to get the images in it, use gantry load`,
  });
}
