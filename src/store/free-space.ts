import { statfsSync } from "node:fs";
import { GantryError } from "../errors/index.ts";

/** Kept free beside what a write needs: records, directories, other programs. */
const RESERVE_BYTES = 16 * 1024 * 1024;

/**
 * Refuses a long write before its first byte if the file system of `path` cannot hold it.
 * @throws NO_SPACE with the numbers
 */
export function requireSpace(path: string, neededBytes: number, what: string): void {
  const { bavail, bsize } = statfsSync(path);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes + RESERVE_BYTES) return;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  throw new GantryError(
    "NO_SPACE",
    `${what} needs ${megabytes(neededBytes)} in ${path}, where ${megabytes(freeBytes)} are free`,
    { remedy: "Free some space, or choose another store with --root.", details: { path, neededBytes, freeBytes } },
  );
}
