import { existsSync, readFileSync } from "node:fs";
import { fileError, GantryError, isGantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import type { Descriptor, Digest, Image, Platform, ReceivedIndex } from "../image/types.ts";
import { containersIn, releaseAbandonedNames } from "./abandoned-names.ts";
import { collect, type Collected } from "./collect.ts";
import { faultPoint } from "./fault.ts";
import { halfDone } from "./half-done.ts";
import { indexBlobs, intentOf, whole, wholeContent } from "./image-intent.ts";
import type { ImageRecord } from "./image-records.ts";
import { endIntent, type Intent, intentOfLayers, readIntent, writeIntent, writeIntentWith } from "./intent.ts";
import { StoreLayout } from "./layout.ts";
import { moveNames, withoutNames } from "./move-names.ts";
import {
  directoriesOfMoves,
  imageIdOf,
  intentOfPublication,
  isWhole,
  moveIntoPlace,
  type Prepared,
  preparePublication,
} from "./publish.ts";
import { RecordLock } from "./record-lock.ts";
import { RecordsFile } from "./records-file.ts";
import { collectReferences } from "./references.ts";
import { removing } from "./reserve.ts";
import { repositoryOf, resolveRecord } from "./resolve-image.ts";
import { cleanLeftovers, makeScratch } from "./scratch.ts";
import type { NamedImage, PublishedContent, RemovedContent, ResolveImageOptions, Scratch, Store } from "./store.ts";
import { storedImage } from "./stored-image.ts";
import { requireStoreVersion } from "./store-version.ts";
import { undoLeftover } from "./undo-note.ts";

/**
 * Opens the store at `root`, making it if it is not there, and cleans what processes that died left behind. Cheap: two
 * small reads where nothing was left.
 * @throws STORE_VERSION_UNSUPPORTED, STORE_CORRUPT
 */
export function openStore(root: string): Store {
  return new FileStore(new StoreLayout(root));
}

/** A command waits so long for the lock before it leaves the leftovers of others to the next command. */
const RECOVERY_PATIENCE_MS = 2000;

class FileStore implements Store {
  readonly layout: StoreLayout;
  readonly #lock: RecordLock;
  readonly #recordsFile: RecordsFile;

  constructor(layout: StoreLayout) {
    this.layout = layout;
    this.#lock = new RecordLock(layout.lockFile());
    this.#recordsFile = new RecordsFile(layout);
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

  hasImage(id: Digest): boolean {
    return this.#recordsFile.read().some((record) => record.id === id);
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
    return this.#recordsFile
      .read()
      .sort((a, b) => (Date.parse(b.created) || 0) - (Date.parse(a.created) || 0))
      .map((record) => this.#image(record));
  }

  resolveImage(reference: string, options: ResolveImageOptions = {}): Image {
    return this.resolveNamed(reference, options).image;
  }

  resolveNamed(reference: string, options: ResolveImageOptions = {}): NamedImage {
    const found = resolveRecord(this.#recordsFile.read(), reference, { ...options, platformOf: this.#platformOf });
    const { name, index } = found;
    const meant = name === undefined ? index : (index ?? "none");
    const platforms = found.all.map((record) => this.#image(record, meant));
    const image = platforms[found.all.indexOf(found.record)] as Image;
    return { image, name, platforms, index: index === undefined ? undefined : image.index };
  }

  repositoryTags(reference: string): { image: Image; name: string }[] {
    const repository = repositoryOf(reference);
    if (repository === undefined) return [];
    const records = this.#recordsFile.read();
    const names = new Set(
      records.flatMap((record) => record.names).filter((name) => name.startsWith(`${repository}:`)),
    );
    return [...names].sort().map((name) => {
      const { record, index } = resolveRecord(records, name, { platformOf: this.#platformOf });
      return { image: this.#image(record, index ?? "none"), name };
    });
  }

  async publish(scratch: Scratch, content: PublishedContent): Promise<Image> {
    const [image] = await this.publishAll(scratch, [content]);
    return image as Image;
  }

  async publishAll(scratch: Scratch, contents: PublishedContent[]): Promise<Image[]> {
    return await this.#told(async () => {
      const prepared = preparePublication(this.layout, scratch.path, contents);
      const intent = intentOfPublication(prepared);
      await writeIntentWith(scratch.path, intent, prepared.unsafe);
      return await this.exclusively(() => {
        const images = this.#publishOrUndo(scratch.path, prepared, contents, intent);
        faultPoint("publish.end");
        endIntent(scratch.path);
        return images;
      });
    });
  }

  #publishOrUndo(scratch: string, prepared: Prepared, contents: PublishedContent[], intent: Intent): Image[] {
    try {
      return this.#publishPrepared(scratch, prepared, contents);
    } catch (error) {
      try {
        this.#collect(intent, scratch);
        endIntent(scratch);
      } catch {
        // The intent stays: the next command undoes it.
      }
      throw error;
    }
  }

  #publishPrepared(scratch: string, prepared: Prepared, contents: PublishedContent[]): Image[] {
    let records = this.#recordsFile.read();
    const before = records;
    const ids: Digest[] = [];
    for (const content of contents) {
      const { manifest, names, index } = content;
      const id = imageIdOf(this.layout, prepared, manifest);
      const known = records.find((record) => record.id === id);
      const unindexed = { id, names, taggedAt: new Date().toISOString() };
      const move = index === undefined ? unindexed : { ...unindexed, index };
      // An image keeps its manifest, and what only another one names (compressed layers, say) stays out; but an index
      // that comes with the image would lead to nothing without the manifest that it lists, unless an other index still
      // needs the old one; and one that is damaged gives way to one that is whole.
      const kept =
        known !== undefined &&
        (index === undefined || hasOtherIndex(moveNames([known], move), index)) &&
        (known.manifest.digest === manifest.digest || isWhole(this.layout, prepared, known.manifest));
      const made = moveIntoPlace(this.layout, prepared, kept ? known.manifest : manifest, content);
      if (known === undefined) records = [...records, made];
      else if (!kept) records = records.map((record) => (record === known ? { ...made, ...named(known) } : record));
      records = moveNames(records, move);
      ids.push(id);
    }
    this.#replace(before, records, scratch, directoriesOfMoves(this.layout));
    return ids.map((id) => this.#image(records.find((record) => record.id === id) as ImageRecord));
  }

  async tag(images: Digest | readonly Digest[], name: string, index?: Descriptor): Promise<void> {
    await this.#change((records) => {
      let changed = records;
      for (const id of asList(images)) {
        const record = records.find((candidate) => candidate.id === id);
        if (record === undefined) throw notFound(id);
        const received = record.indexes?.find((known) => known.descriptor.digest === index?.digest);
        const move = { id, names: [name], taggedAt: new Date().toISOString() };
        changed = moveNames(changed, received === undefined ? move : { ...move, index: received });
      }
      return changed;
    });
  }

  async untag(name: string): Promise<void> {
    await removing(this.layout, () =>
      this.#change((records) => {
        if (!records.some((record) => record.names.includes(name))) throw notFound(name);
        return records.map((record) => (record.names.includes(name) ? withoutNames(record, [name]) : record));
      }),
    );
  }

  async removeImage(images: Digest | readonly Digest[]): Promise<RemovedContent> {
    return await this.#removing((scratch) => {
      const records = this.#recordsFile.read();
      const gone = asList(images).map((id) => {
        const record = records.find((candidate) => candidate.id === id);
        if (record === undefined) throw notFound(id);
        return record;
      });
      const removed = gone.map((record) => this.#image(record));
      // Of a damaged image nobody knows what it needed: whatever nobody needs any more was it.
      const isKnown = removed.every((image) => whole(() => image.layers) !== undefined);
      const intent = isKnown ? intentOf(removed) : wholeContent(this.layout);
      writeIntent(scratch, intent);
      this.#recordsFile.write(
        records.filter((candidate) => !gone.includes(candidate)),
        scratch,
      );
      return this.#collectRest(intent, scratch);
    });
  }

  async collectUnneeded(): Promise<RemovedContent> {
    return await this.#release(wholeContent(this.layout));
  }

  async releaseLayers(diffIds: readonly Digest[]): Promise<RemovedContent> {
    return await this.#release(intentOfLayers(diffIds));
  }

  async #release(intent: Intent): Promise<RemovedContent> {
    return await this.#removing((scratch) => {
      writeIntent(scratch, intent);
      return this.#collect(intent, scratch);
    });
  }

  /** Runs what removes, under the lock, with a scratch directory, and on a full disk, too. */
  async #removing<T>(remove: (scratch: string) => T): Promise<T> {
    return await removing(this.layout, () =>
      this.#told(async () => {
        const scratch = makeScratch(this.layout.tmpDir());
        try {
          return await this.exclusively(() => {
            const removed = remove(scratch.path);
            endIntent(scratch.path);
            return removed;
          });
        } finally {
          await scratch.dispose();
        }
      }),
    );
  }

  /** Puts what node:fs throws into words. */
  async #told<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw error instanceof GantryError ? error : fileError(error, `the store in ${this.layout.root}`);
    }
  }

  #image(record: ImageRecord, index?: Digest | "none"): Image {
    return storedImage(record, (digest) => this.readBlob(digest), index);
  }

  readonly #platformOf = (record: ImageRecord): Platform => this.#image(record).platform;

  async #change(change: (records: ImageRecord[]) => ImageRecord[]): Promise<void> {
    await this.#told(async () => {
      const scratch = makeScratch(this.layout.tmpDir());
      try {
        await this.exclusively(() => {
          const before = this.#recordsFile.read();
          this.#replace(before, change(before), scratch.path);
        });
      } finally {
        await scratch.dispose();
      }
    });
  }

  /** Writes the records, and removes what the images that remain needed before and need no longer. */
  #replace(before: ImageRecord[], after: ImageRecord[], scratch: string, moves: readonly string[] = []): void {
    const intent: Intent = { blobs: this.#dropped(before, after), layers: [], chains: [] };
    if (intent.blobs.length === 0) {
      this.#recordsFile.write(after, scratch, moves);
      return;
    }
    const aside = makeScratch(this.layout.tmpDir());
    try {
      writeIntent(aside.path, intent);
      this.#recordsFile.write(after, scratch, moves);
      this.#collectRest(intent, aside.path);
      endIntent(aside.path);
    } finally {
      void aside.dispose();
    }
  }

  /** Blobs of indexes that are forgotten and of manifests that give way to others. */
  #dropped(before: ImageRecord[], after: ImageRecord[]): string[] {
    const now = new Map(after.map((record) => [record.id, record.manifest.digest]));
    const replaced = before.filter(
      (record) => (now.get(record.id) ?? record.manifest.digest) !== record.manifest.digest,
    );
    const kept = new Set(after.flatMap(indexBlobs));
    const forgotten = before.flatMap(indexBlobs).filter((digest) => !kept.has(digest));
    return [...intentOf(replaced.map((record) => this.#image(record))).blobs, ...forgotten.map(digestHex)];
  }

  /** @param moves directories whose new entries the records name */
  /** Collects after the records say that it goes: failing then must not look as if nothing had happened. */
  #collectRest(intent: Intent, scratch: string): Collected {
    try {
      return this.#collect(intent, scratch);
    } catch (error) {
      throw halfDone("it is removed, but not all of its files are", error);
    }
  }

  /** Removes the candidates that nothing needs; none while an image is damaged, so that what it needs is not known. */
  #collect(candidates: Intent, scratch: string): Collected {
    const images = this.#recordsFile.read().map((record) => this.#image(record));
    const keep = whole(() => collectReferences(images, this.layout));
    return keep === undefined ? { layers: [], bytes: 0 } : collect(this.layout, candidates, keep, scratch);
  }

  /**
   * Undoes what a process had begun to publish, and ends what it had begun to remove. Returns false where that must be left
   * to a later command: the lock is held for long, or the records cannot be read.
   */
  #recover(path: string): boolean {
    undoLeftover(path);
    const intent = readIntent(path);
    const containers = containersIn(path);
    faultPoint("leftover.recover");
    try {
      const recovered = this.#lock.runSync(() => {
        releaseAbandonedNames(this.layout, containers);
        if (intent !== undefined) this.#collect(intent, path);
        this.#recordsFile.renewBackup(path);
        return true;
      }, RECOVERY_PATIENCE_MS);
      return recovered === true;
    } catch (error) {
      if (isGantryError(error, "STORE_CORRUPT")) return false;
      throw error;
    }
  }
}

/** What a record keeps when its manifest changes. */
function named({ names, taggedAt, indexes }: ImageRecord): Pick<ImageRecord, "names" | "taggedAt" | "indexes"> {
  return { names, ...(taggedAt === undefined ? {} : { taggedAt }), ...(indexes === undefined ? {} : { indexes }) };
}

function hasOtherIndex(records: ImageRecord[], { descriptor }: Pick<ReceivedIndex, "descriptor">): boolean {
  return records.some(({ indexes = [] }) => indexes.some((known) => known.descriptor.digest !== descriptor.digest));
}

function asList(ids: Digest | readonly Digest[]): readonly Digest[] {
  return typeof ids === "string" ? [ids] : ids;
}

function notFound(reference: string): GantryError {
  return new GantryError("IMAGE_NOT_FOUND", `No such image: ${reference}`, { details: { reference } });
}

function missing(cause: unknown, code: "BLOB_MISSING" | "LAYER_MISSING", what: string): unknown {
  if ((cause as NodeJS.ErrnoException).code !== "ENOENT") return cause;
  return new GantryError(code, `${what} is not in the store`, { cause });
}
