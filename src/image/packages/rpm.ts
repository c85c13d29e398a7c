import { applySqliteWal } from "../../kernels/sqlite-wal.ts";
import { type BlobColumn, readSqliteBlobs, SqliteError } from "../../kernels/sqlite.ts";
import type { InstalledPackage } from "./package.ts";
import { berkeleyHeaders, isBerkeleyHash } from "./rpm-berkeley-db.ts";
import { RpmDatabaseError } from "./rpm-database-error.ts";
import { parseRpmHeader } from "./rpm-header.ts";
import { isNdb, ndbHeaders } from "./rpm-ndb.ts";

export { RpmDatabaseError } from "./rpm-database-error.ts";

/** As rpm makes it (its lib/backend/sqlite.c). */
const PACKAGES: BlobColumn = {
  table: "Packages",
  column: "blob",
  definition: /^CREATE TABLE ['"]?Packages['"]? ?\(hnum INTEGER PRIMARY KEY AUTOINCREMENT, ?blob BLOB NOT NULL\)$/i,
};

/**
 * The installed packages of an rpm database, in its format of today (SQLite), SUSE's (ndb) or that of
 * before (Berkeley DB); `log` is the write-ahead log beside it, of SQLite only. None of
 * an empty file.
 * @throws RpmDatabaseError
 */
export async function parseRpmDatabase(database: Uint8Array, log?: Uint8Array): Promise<InstalledPackage[]> {
  const packages: InstalledPackage[] = [];
  let headers = 0;
  const add = (header: Uint8Array): void => {
    headers++;
    const found = parseRpmHeader(header);
    if (found !== undefined) packages.push(found);
  };
  await readHeaders(log === undefined ? database : applySqliteWal(database, log), add);
  if (packages.length < headers)
    throw new RpmDatabaseError(`${headers - packages.length} of its ${headers} packages are damaged`);
  return packages;
}

async function readHeaders(database: Uint8Array, add: (header: Uint8Array) => void): Promise<void> {
  if (database.length === 0) return;
  if (isNdb(database)) for (const header of ndbHeaders(database)) add(header);
  else if (isBerkeleyHash(database)) for (const header of berkeleyHeaders(database)) add(header);
  else {
    try {
      await readSqliteBlobs(database, PACKAGES, add);
    } catch (error) {
      throw error instanceof SqliteError ? new RpmDatabaseError(error.message) : error;
    }
  }
}
