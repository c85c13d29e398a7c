import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors/index.ts";
import { chainId } from "../layer/chain-id.ts";
import { digestHex } from "../image/digest.ts";
import type { Digest, Image } from "../image/types.ts";
import { collect, type Collected } from "./collect.ts";
import { replaceDurably } from "./durable.ts";
import { encodeImageRecords, type ImageRecord, moveNames, readImageRecords } from "./image-records.ts";
import { type Intent, readIntent, writeIntent } from "./intent.ts";
import { StoreLayout } from "./layout.ts";
import {
  imageIdOf,
  intentOfPublication,
  moveIntoPlace,
  type Prepared,
  preparePublication,
  settleMoves,
} from "./publish.ts";
import { RecordLock } from "./record-lock.ts";
import { collectReferences } from "./references.ts";
import { repositoryOf, resolveRecord } from "./resolve-image.ts";
import { cleanLeftovers, makeScratch } from "./scratch.ts";
import type { PublishedContent, RemovedContent, Scratch, Store } from "./store.ts";
import { storedImage } from "./stored-image.ts";
import { requireStoreVersion } from "./store-version.ts";

/**
 * Opens the store at `root`, making it if it is not there, and cleans what processes that died left behind. Cheap: two
 * small reads where nothing was left.
 * @throws STORE_VERSION_UNSUPPORTED, STORE_CORRUPT
 */
export function openStore(root: string): Store {
  return new FileStore(new StoreLayout(root));
}

class FileStore implements Store {
  readonly layout: StoreLayout;
  readonly #lock: RecordLock;

  constructor(layout: StoreLayout) {
    this.layout = layout;
    this.#lock = new RecordLock(layout.lockFile());
    requireStoreVersion(layout);
    cleanLeftovers(layout.tmpDir(), (path) => this.#recover(path));
  }

  scratch(): Promise<Scratch> {
    return Promise.resolve(makeScratch(this.layout.tmpDir()));
  }

  exclusively<T>(change: () => T | Promise<T>): Promise<T> {
    return this.#lock.run(change);
  }

  hasBlob(digest: Digest): boolean {
    return existsSync(this.layout.blob(digest));
  }

  hasLayer(diffId: Digest): boolean {
    return existsSync(this.layout.layerDir(diffId));
  }

  readBlob(digest: Digest): Uint8Array {
    try {
      return readFileSync(this.layout.blob(digest));
    } catch (cause) {
      throw missing(cause, "BLOB_MISSING", `blob ${digest}`);
    }
  }

  readLayerIndex(diffId: Digest): Uint8Array {
    try {
      return readFileSync(this.layout.layerIndex(diffId));
    } catch (cause) {
      throw missing(cause, "LAYER_MISSING", `layer ${diffId}`);
    }
  }

  images(): Image[] {
    return this.#records()
      .sort((a, b) => (Date.parse(b.created) || 0) - (Date.parse(a.created) || 0))
      .map((record) => this.#image(record));
  }

  resolveImage(reference: string): Image {
    return this.resolveNamed(reference).image;
  }

  resolveNamed(reference: string): { image: Image; name: string | undefined } {
    const { record, name } = resolveRecord(this.#records(), reference);
    return { image: this.#image(record), name };
  }

  repositoryTags(reference: string): { image: Image; name: string }[] {
    const repository = repositoryOf(reference);
    if (repository === undefined) return [];
    const found = this.#records().flatMap((record) =>
      record.names.filter((name) => name.startsWith(`${repository}:`)).map((name) => ({ record, name })),
    );
    found.sort((a, b) => (a.name < b.name ? -1 : 1));
    return found.map(({ record, name }) => ({ image: this.#image(record), name }));
  }

  async publish(scratch: Scratch, content: PublishedContent): Promise<Image> {
    const [image] = await this.publishAll(scratch, [content]);
    return image as Image;
  }

  async publishAll(scratch: Scratch, contents: PublishedContent[]): Promise<Image[]> {
    const prepared = await preparePublication(this.layout, scratch.path, contents);
    const intent = intentOfPublication(prepared);
    writeIntent(scratch.path, intent);
    return await this.exclusively(() => {
      try {
        return this.#publishPrepared(scratch.path, prepared, contents);
      } catch (error) {
        this.#collect(intent, scratch.path);
        throw error;
      } finally {
        rmSync(join(scratch.path, "intent.json"), { force: true });
      }
    });
  }

  #publishPrepared(scratch: string, prepared: Prepared, contents: PublishedContent[]): Image[] {
    let records = this.#records();
    const ids: Digest[] = [];
    for (const { manifest, names } of contents) {
      const id = imageIdOf(this.layout, prepared, manifest);
      const known = records.find((record) => record.id === id);
      // An image keeps its manifest, and what only another one names (compressed layers, say) stays out.
      const made = moveIntoPlace(this.layout, prepared, known?.manifest ?? manifest);
      if (known === undefined) records.push(made);
      records = moveNames(records, made.id, names, new Date().toISOString());
      ids.push(made.id);
    }
    settleMoves(this.layout);
    this.#write(records, scratch);
    return ids.map((id) => this.#image(records.find((record) => record.id === id) as ImageRecord));
  }

  async tag(image: Digest, name: string): Promise<void> {
    await this.#change((records) => {
      if (!records.some((record) => record.id === image)) throw notFound(image);
      return moveNames(records, image, [name], new Date().toISOString());
    });
  }

  async untag(name: string): Promise<void> {
    await this.#change((records) => {
      if (!records.some((record) => record.names.includes(name))) throw notFound(name);
      return records.map((record) => ({ ...record, names: record.names.filter((candidate) => candidate !== name) }));
    });
  }

  async removeImage(image: Digest): Promise<RemovedContent> {
    const scratch = makeScratch(this.layout.tmpDir());
    try {
      return await this.exclusively(() => {
        const records = this.#records();
        const record = records.find((candidate) => candidate.id === image);
        if (record === undefined) throw notFound(image);
        const intent = intentOf(this.#image(record));
        writeIntent(scratch.path, intent);
        this.#write(
          records.filter((candidate) => candidate !== record),
          scratch.path,
        );
        return this.#collect(intent, scratch.path);
      });
    } finally {
      await scratch.dispose();
    }
  }

  #records(): ImageRecord[] {
    return readImageRecords(this.layout.imagesFile());
  }

  #image(record: ImageRecord): Image {
    return storedImage(record, (digest) => this.readBlob(digest));
  }

  async #change(change: (records: ImageRecord[]) => ImageRecord[]): Promise<void> {
    const scratch = makeScratch(this.layout.tmpDir());
    try {
      await this.exclusively(() => this.#write(change(this.#records()), scratch.path));
    } finally {
      await scratch.dispose();
    }
  }

  #write(records: ImageRecord[], scratch: string): void {
    replaceDurably(this.layout.imagesFile(), join(scratch, "images.json"), encodeImageRecords(records));
  }

  /** Removes the candidates that nothing needs; none while an image is damaged, so that what it needs is not known. */
  #collect(candidates: Intent, scratch: string): Collected {
    const images = this.#records().map((record) => this.#image(record));
    const keep = whole(() => collectReferences(images, this.layout));
    return keep === undefined ? { layers: [], bytes: 0 } : collect(this.layout, candidates, keep, scratch);
  }

  /** Undoes what a process had begun to publish, and ends what it had begun to remove. */
  #recover(path: string): void {
    const intent = readIntent(path);
    if (intent !== undefined) this.#lock.runSync(() => this.#collect(intent, path));
  }
}

function intentOf(image: Image): Intent {
  const layers = whole(() => image.layers) ?? [];
  const chain = chainId(layers.map((layer) => layer.diffId));
  return {
    blobs: [image.id, image.manifest.digest, ...layers.map((layer) => layer.blob.digest)].map(digestHex),
    layers: layers.map((layer) => digestHex(layer.diffId)),
    chains: chain === undefined ? [] : [digestHex(chain)],
  };
}

/** What `read` gives, or undefined where it meets a damaged image. */
function whole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GantryError) return undefined;
    throw error;
  }
}

function notFound(reference: string): GantryError {
  return new GantryError("IMAGE_NOT_FOUND", `No such image: ${reference}`, { details: { reference } });
}

function missing(cause: unknown, code: "BLOB_MISSING" | "LAYER_MISSING", what: string): unknown {
  if ((cause as NodeJS.ErrnoException).code !== "ENOENT") return cause;
  return new GantryError(code, `${what} is not in the store`, { cause });
}
