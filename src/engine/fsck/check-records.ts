import { existsSync } from "node:fs";
import { join } from "node:path";
import { replaceDurably } from "../../store/durable.ts";
import { encodeImageRecords, type ImageRecord } from "../../store/image-records.ts";
import type { Digest } from "../../image/types.ts";
import type { Checkup } from "./checkup.ts";
import { readRecords, rebuildRecords } from "./rebuild-records.ts";
import { imageLabel } from "./store-needs.ts";

/**
 * Reads images.json into `checkup.records`. Where it is lost or damaged: the backup, with the images that only blobs/
 * tells of; so the other checks go on with what a repair would make.
 */
export function checkRecords(checkup: Checkup): void {
  const { layout } = checkup;
  const file = layout.imagesFile();
  const found = readRecords(file);
  if (found === undefined) {
    checkLostRecords(checkup);
    return;
  }
  checkup.records = found.records;
  for (const [n] of found.invalid.entries()) {
    checkup.needs.unclear.push("images.json");
    checkup.add({
      code: "image-invalid",
      object: `images.json, record ${n + 1} of those that are none`,
      problem: "is not the record of an image",
      users: [],
      remedy: "Keep a copy in quarantine and make the record again from the blobs.",
      repair: () => {
        const known = new Set(found.records.map((record) => record.id));
        checkup.setAside(file);
        writeRecords(checkup, [...found.records, ...rebuildRecords(layout).filter((record) => !known.has(record.id))]);
      },
    });
  }
  checkNames(checkup);
}

function checkLostRecords(checkup: Checkup): void {
  const { layout } = checkup;
  const isThere = existsSync(layout.imagesFile());
  const backup = readRecords(layout.imagesBackup());
  const fromBlobs = rebuildRecords(layout);
  const backedUp = (backup?.records ?? []).filter((record) => isThereStill(checkup, record));
  const ids = new Set(backedUp.map((record) => record.id));
  const records = [...backedUp, ...fromBlobs.filter((record) => !ids.has(record.id))];
  checkup.records = records;
  // A store that never had an image has no file.
  if (!isThere && backup === undefined && records.length === 0) return;
  checkup.needs.unclear.push("images.json");
  const named = records.filter((record) => record.names.length > 0).length;
  checkup.add({
    code: "records-unreadable",
    object: "images.json",
    problem: isThere ? "cannot be read" : "is lost",
    users: records.map(imageLabel),
    remedy:
      backup === undefined
        ? `Make it again from the blobs: ${records.length} images, of which ${named} get a name from their containers.`
        : `Put the backup back, and add what the blobs tell: ${records.length} images, ${named} of them with names.`,
    repair: () => {
      if (isThere) checkup.setAside(layout.imagesFile());
      writeRecords(checkup, records);
    },
  });
}

/** Of an image that was removed after the backup was written nothing is left. */
function isThereStill({ layout }: Checkup, record: ImageRecord): boolean {
  return existsSync(layout.blob(record.id)) || existsSync(layout.blob(record.manifest.digest));
}

/** A name, or an id, that two records claim. Platforms of one index share its names. */
function checkNames(checkup: Checkup): void {
  const owners = new Map<string, ImageRecord>();
  const ids = new Set<Digest>();
  for (const record of checkup.records) {
    if (ids.has(record.id)) {
      checkup.add({
        code: "image-invalid",
        object: imageLabel(record),
        problem: "has two records",
        users: [],
        remedy: "Keep the first of them, with the names of both.",
        repair: () => writeRecords(checkup, joined(checkup.records)),
      });
    }
    ids.add(record.id);
    for (const name of record.names) {
      const owner = owners.get(name) ?? record;
      owners.set(name, owner);
      if (owner.id === record.id || shareIndex(owner, record, name)) continue;
      checkup.add({
        code: "image-name",
        object: name,
        problem: "is the name of two images",
        users: [imageLabel(owner), imageLabel(record)],
        remedy: `Leave it to ${owner.id}.`,
        repair: () => {
          const names = record.names.filter((candidate) => candidate !== name);
          writeRecords(
            checkup,
            checkup.records.map((candidate) => (candidate === record ? { ...record, names } : candidate)),
          );
        },
      });
    }
  }
}

function shareIndex(a: ImageRecord, b: ImageRecord, name: string): boolean {
  const meant = (record: ImageRecord): Digest[] =>
    (record.indexes ?? []).filter((index) => index.names.includes(name)).map((index) => index.descriptor.digest);
  const others = new Set(meant(b));
  return meant(a).some((digest) => others.has(digest));
}

function joined(records: readonly ImageRecord[]): ImageRecord[] {
  const byId = new Map<Digest, ImageRecord>();
  for (const record of records) {
    const first = byId.get(record.id);
    const names = first === undefined ? record.names : [...new Set([...first.names, ...record.names])].sort();
    byId.set(record.id, { ...(first ?? record), names });
  }
  return [...byId.values()];
}

/** Replaces images.json and its backup, durably. The record lock is held. */
export function writeRecords(checkup: Checkup, records: ImageRecord[]): void {
  const { layout } = checkup;
  checkup.records = records;
  for (const path of [layout.imagesFile(), layout.imagesBackup()]) {
    replaceDurably(path, join(checkup.scratch, "images.json"), encodeImageRecords(records));
  }
}
