import { GantryError } from "../errors/index.ts";
import { configPlatform, parseConfig } from "../image/config.ts";
import { parseManifest } from "../image/manifest.ts";
import type { Digest, Image, ImageConfig, Platform } from "../image/types.ts";
import type { ImageRecord } from "./image-records.ts";

/**
 * The image of a record; `meant` is the index through which it was found, the first if not given. Its config and layers
 * are read from the store at first use, so that a listing of names opens no blob.
 * @throws (on that use) BLOB_MISSING, STORE_CORRUPT
 */
export function storedImage(
  record: ImageRecord,
  readBlob: (digest: Digest) => Uint8Array,
  meant?: Digest | "none",
): Image {
  let config: ImageConfig | undefined;
  let layers: Image["layers"] | undefined;
  const indexes = record.indexes ?? [];
  const index = indexes.find(({ descriptor }) => meant === undefined || descriptor.digest === meant)?.descriptor;
  const image = {
    id: record.id,
    manifest: record.manifest,
    names: record.names,
    sizeBytes: record.sizeBytes,
    created: record.created,
    ...(record.taggedAt === undefined ? {} : { taggedAt: record.taggedAt }),
    ...(index === undefined ? {} : { index }),
    indexes,
    get platform(): Platform {
      return record.platform ?? configPlatform(image.config);
    },
    get config(): ImageConfig {
      return (config ??= parseConfig(readBlob(record.id), `the config of image ${record.id}`));
    },
    get layers(): Image["layers"] {
      return (layers ??= readLayers(image.config));
    },
  };
  const readLayers = ({ rootfs }: ImageConfig): Image["layers"] => {
    const manifest = parseManifest(readBlob(record.manifest.digest), `the manifest of image ${record.id}`);
    if (manifest.layers.length !== rootfs.diff_ids.length) {
      throw new GantryError(
        "STORE_CORRUPT",
        `image ${record.id} has ${manifest.layers.length} layers in its manifest but ${rootfs.diff_ids.length} in its config`,
      );
    }
    return manifest.layers.map((blob, index) => ({ diffId: rootfs.diff_ids[index] as Digest, blob }));
  };
  return image;
}
