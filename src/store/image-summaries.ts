import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest, Image } from "../image/types.ts";
import { layerSize } from "./layer-size.ts";
import type { Store } from "./store.ts";

/** What is asked of many images at once and would have to be read from their configs and their layers' indexes. */
export interface ImageSummary {
  /** Bottom first; the size is that of the layer's files. */
  readonly layers: readonly { readonly diffId: Digest; readonly sizeBytes: number }[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface ImageSummaries {
  /** @throws STORE_CORRUPT, BLOB_MISSING for an image that was not summarized yet and cannot be read */
  of(image: Image): ImageSummary;
  /** Keeps what has been found out meanwhile, for the next command. Never throws. */
  save(): void;
}

/** summaries.json: each layer once, images by the places of their layers. */
interface SummaryFile {
  version: 1;
  layers: [diffId: Digest, sizeBytes: number][];
  images: Record<Digest, { layers: number[]; labels?: Record<string, string> }>;
}

/**
 * The summaries of a store's images. They are a cache that cannot be wrong: an id is the digest of its config, a diffId that
 * of its layer. It may lack images, and hold some that are gone.
 */
export function imageSummaries(store: Store): ImageSummaries {
  const file = readSummaries(store.layout.summariesFile());
  const places = new Map(file.layers.map(([diffId], place) => [diffId, place]));
  let news = false;
  const placeOf = (diffId: Digest): number => {
    let place = places.get(diffId);
    if (place === undefined) {
      place = file.layers.push([diffId, layerSize(store.layout.layerIndex(diffId))]) - 1;
      places.set(diffId, place);
    }
    return place;
  };
  return {
    of(image) {
      let entry = file.images[image.id];
      if (entry === undefined) {
        const { rootfs, config } = image.config;
        const labels = config?.Labels ?? {};
        entry = {
          layers: rootfs.diff_ids.map(placeOf),
          ...(Object.keys(labels).length === 0 ? {} : { labels }),
        };
        file.images[image.id] = entry;
        news = true;
      }
      const layers = entry.layers.map((place) => {
        const [diffId, sizeBytes] = file.layers[place]!;
        return { diffId, sizeBytes };
      });
      return { layers, labels: entry.labels ?? {} };
    },
    save() {
      if (news) writeSummaries(store, file);
      news = false;
    },
  };
}

function readSummaries(path: string): SummaryFile {
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as SummaryFile;
    if ((file.version as number) === 1 && Array.isArray(file.layers)) return file;
  } catch {
    // made anew
  }
  return { version: 1, layers: [], images: {} };
}

/** Of several that write at once the last one wins: the others' news are found out again. */
function writeSummaries(store: Store, file: SummaryFile): void {
  const path = store.layout.summariesFile();
  const own = join(store.layout.tmpDir(), `summaries-${process.pid}`);
  try {
    const known = new Set(store.images().map(({ id }) => id));
    writeFileSync(own, JSON.stringify(reduced(file, known)), { mode: 0o600 });
    renameSync(own, path);
  } catch {
    // Without it the next command reads the configs again.
  }
}

/** Only these images and their layers. */
function reduced(file: SummaryFile, known: ReadonlySet<Digest>): SummaryFile {
  const images = (Object.entries(file.images) as [Digest, SummaryFile["images"][Digest]][]).filter(([id]) =>
    known.has(id),
  );
  const used = [...new Set(images.flatMap(([, { layers }]) => layers))];
  const places = new Map(used.map((before, place) => [before, place]));
  return {
    version: 1,
    layers: used.map((before) => file.layers[before]!),
    images: Object.fromEntries(
      images.map(([id, entry]) => [id, { ...entry, layers: entry.layers.map((before) => places.get(before)!) }]),
    ),
  };
}
