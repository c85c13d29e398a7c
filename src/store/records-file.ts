import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors/index.ts";
import { replaceDurably } from "./durable.ts";
import { faultPoint } from "./fault.ts";
import { halfDone } from "./half-done.ts";
import { encodeImageRecords, type ImageRecord, readImageRecords } from "./image-records.ts";
import type { StoreLayout } from "./layout.ts";

/** images.json and its backup. */
export class RecordsFile {
  readonly #layout: StoreLayout;

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  /** @throws STORE_CORRUPT for records that are damaged or lost */
  read(): ImageRecord[] {
    const records = readImageRecords(this.#layout.imagesFile());
    // A store that never had an image has neither file.
    if (records.length > 0 || existsSync(this.#layout.imagesFile()) || !existsSync(this.#layout.imagesBackup())) {
      return records;
    }
    throw new GantryError("STORE_CORRUPT", `the image records ${this.#layout.imagesFile()} are lost`, {
      remedy: "Run gantry system fsck --repair: there is a backup.",
    });
  }

  /**
   * Replaces the records, then their backup; durable on return, with what was moved before. The caller holds the store's lock.
   * @param scratch a directory in the same file system
   * @param moves directories whose new entries are made durable at the same time
   * @throws SYSTEM_CALL_FAILED, NO_SPACE
   */
  write(records: ImageRecord[], scratch: string, moves: readonly string[] = []): void {
    const text = encodeImageRecords(records);
    const fresh = join(scratch, "images.json");
    const steps = new Set<string>();
    faultPoint("records.write");
    try {
      const pointAt = (step: "rename" | "settle"): void => {
        steps.add(step);
        faultPoint(`records.${step}`);
      };
      replaceDurably(this.#layout.imagesFile(), fresh, text, pointAt, moves);
    } catch (error) {
      throw steps.has("settle")
        ? halfDone("the new records are written, but may not survive a power cut", error)
        : error;
    }
    this.#writeBackup(text, fresh);
  }

  #writeBackup(text: string, fresh: string): void {
    try {
      faultPoint("records.backup");
      writeFileSync(fresh, text, { mode: 0o600 });
      renameSync(fresh, this.#layout.imagesBackup());
    } catch {
      // On a full disk: it stays one change behind.
    }
  }

  /** A process that died between the records and their backup left that one change behind. */
  renewBackup(scratch: string): void {
    if (!existsSync(this.#layout.imagesFile())) return;
    const text = encodeImageRecords(this.read());
    if (!existsSync(this.#layout.imagesBackup()) || readFileSync(this.#layout.imagesBackup(), "utf8") !== text) {
      this.#writeBackup(text, join(scratch, "images.json"));
    }
  }
}
