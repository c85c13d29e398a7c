import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { GantryError } from "../errors/index.ts";
import { fsyncDirectory, replaceDurably } from "./durable.ts";
import { faultPoint } from "./fault.ts";
import type { StoreLayout } from "./layout.ts";
import { randomBytes } from "./random-bytes.ts";
import { RecordLock } from "./record-lock.ts";
import { fillReserve } from "./reserve.ts";

/** A store's format, and how older ones become it. */
export interface StoreFormat {
  version: number;
  /**
   * By version: what makes a store of it one of the next. Called with the record lock held; killed in the middle, it is
   * called again, so it must go on from there.
   */
  migrations: Readonly<Record<number, (layout: StoreLayout) => void>>;
}

/** The format that this gantry writes. Version 1 is the first. */
export const STORE_FORMAT: StoreFormat = { version: 1, migrations: {} };

/**
 * Checks that the store is of a format this gantry knows, and brings one of an older format up to it; makes an empty
 * store where there is nothing yet.
 * @throws STORE_VERSION_UNSUPPORTED for a newer format, or an older one that cannot be brought up
 * @throws STORE_CORRUPT if the store does not say its format
 * @throws STORE_ROOT_FOREIGN if the root is something else than a store
 */
export function requireStoreVersion(layout: StoreLayout, format: StoreFormat = STORE_FORMAT): void {
  let version = readStoreVersion(layout);
  if (version === "absent") {
    requireRoomForStore(layout);
    makeStore(layout, format.version);
    return;
  }
  if (version === "unreadable") throw unreadableVersion(layout);
  if (version > format.version) throw newerVersion(layout, version, format);
  if (version === format.version) return;
  new RecordLock(layout.lockFile()).runSync(() => {
    version = readStoreVersion(layout); // another process may have done it meanwhile
    while (typeof version === "number" && version < format.version) version = migrate(layout, version, format);
  });
}

/** What version.json says. */
export function readStoreVersion(layout: StoreLayout): number | "absent" | "unreadable" {
  let text: string;
  try {
    text = readFileSync(layout.versionFile(), "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "absent";
    if (code === "ENOTDIR") throw foreignRoot(layout, "it is no directory");
    if (code === "EIO" || code === "EISDIR") return "unreadable";
    throw error;
  }
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    if (Number.isInteger(version)) return version as number;
  } catch {
    // the same
  }
  return "unreadable";
}

/** Writes version.json, durably. */
export function writeStoreVersion(layout: StoreLayout, version: number): void {
  const fresh = join(layout.tmpDir(), `version-${randomBytes(6).toString("hex")}`);
  faultPoint("store.version");
  try {
    replaceDurably(layout.versionFile(), fresh, `${JSON.stringify({ version })}\n`);
  } catch (error) {
    // Another process made the same store at this moment, opened it and cleaned tmp/.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function migrate(layout: StoreLayout, from: number, format: StoreFormat): number {
  const step = format.migrations[from];
  if (step === undefined) {
    throw new GantryError(
      "STORE_VERSION_UNSUPPORTED",
      `the store in ${layout.root} has the old format ${from}, which this gantry cannot bring up to ${format.version}`,
      {
        remedy: "Save its images with the gantry that wrote it, and load them into another store (--root).",
        details: { version: from },
      },
    );
  }
  step(layout);
  writeStoreVersion(layout, from + 1);
  return from + 1;
}

function makeStore(layout: StoreLayout, version: number): void {
  for (const path of storeDirectories(layout)) mkdirSync(path, { recursive: true, mode: 0o700 });
  fsyncDirectory(join(layout.root, "blobs"));
  faultPoint("store.directories");
  fillReserve(layout);
  // The version comes last: a store that has it has its directories.
  writeStoreVersion(layout, version);
}

/** The directories that every store has. */
export function storeDirectories(layout: StoreLayout): string[] {
  const directories = [layout.blobsDir(), layout.layersDir(), layout.chainsDir(), layout.containersDir()];
  return [...directories, layout.containerNamesDir(), layout.tmpDir()];
}

/** Whoever mistypes a path must not find a store among his files. @throws STORE_CORRUPT, STORE_ROOT_FOREIGN */
function requireRoomForStore(layout: StoreLayout): void {
  if (!existsSync(layout.root)) return;
  const made = [...storeDirectories(layout), layout.reserveDir()].map((path) => basename(path));
  const mayBe = new Set([...made, "blobs", "lost+found"]);
  const entries = readdirSync(layout.root);
  const others = entries.filter((name) => !mayBe.has(name));
  if (others.length === 0) return;
  if (others.includes(basename(layout.imagesFile())) && entries.includes("blobs")) throw unreadableVersion(layout);
  const shown = others.slice(0, 3).join(", ");
  throw foreignRoot(layout, `it holds other files: ${shown}${others.length > 3 ? ", ..." : ""}`);
}

function foreignRoot(layout: StoreLayout, why: string): GantryError {
  return new GantryError("STORE_ROOT_FOREIGN", `${layout.root} is not a gantry store: ${why}`, {
    remedy: "Name a store, an empty directory, or one that is not there yet, with --root.",
    details: { root: layout.root },
  });
}

function unreadableVersion(layout: StoreLayout): GantryError {
  return new GantryError("STORE_CORRUPT", `${layout.versionFile()} does not say the format of the store`, {
    remedy: "Run gantry system fsck --repair, or choose another store with --root.",
    details: { root: layout.root },
  });
}

function newerVersion(layout: StoreLayout, version: number, format: StoreFormat): GantryError {
  return new GantryError(
    "STORE_VERSION_UNSUPPORTED",
    `the store in ${layout.root} has format ${version}; this gantry knows formats up to ${format.version}`,
    { remedy: "Use the newer gantry that wrote it, or choose another store with --root.", details: { version } },
  );
}
