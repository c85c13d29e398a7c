import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors/index.ts";
import type { StoreLayout } from "./layout.ts";
import { randomBytes } from "./random-bytes.ts";

/** The format that this gantry writes. */
const STORE_VERSION = 1;

/**
 * Checks that the store is of a format this gantry knows; makes an empty store where there is none.
 * @throws STORE_VERSION_UNSUPPORTED, STORE_CORRUPT
 */
export function requireStoreVersion(layout: StoreLayout): void {
  let text: string;
  try {
    text = readFileSync(layout.versionFile(), "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    makeStore(layout);
    return;
  }
  const version = versionIn(text, layout.versionFile());
  if (version > STORE_VERSION) {
    throw new GantryError(
      "STORE_VERSION_UNSUPPORTED",
      `the store in ${layout.root} has format ${version}; this gantry knows formats up to ${STORE_VERSION}`,
      { remedy: "Use the newer gantry that wrote it, or choose another store with --root." },
    );
  }
}

function versionIn(text: string, file: string): number {
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    if (Number.isInteger(version)) return version as number;
  } catch {
    // Said below.
  }
  throw new GantryError(
    "STORE_CORRUPT",
    `${file} does not say the format of the store: ${JSON.stringify(text.slice(0, 80))}`,
    {
      remedy: "Choose another store with --root, or restore the file from a backup.",
    },
  );
}

function makeStore(layout: StoreLayout): void {
  const directories = [layout.blobsDir(), layout.layersDir(), layout.chainsDir(), layout.containersDir()];
  for (const path of [...directories, layout.containerNamesDir(), layout.tmpDir()]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  // The version comes last: a store that has it has its directories.
  const fresh = join(layout.tmpDir(), `version-${randomBytes(6).toString("hex")}`);
  writeFileSync(fresh, `${JSON.stringify({ version: STORE_VERSION })}\n`);
  try {
    renameSync(fresh, layout.versionFile());
  } catch (error) {
    // Another process made the same store at this moment, opened it and cleaned tmp/.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
