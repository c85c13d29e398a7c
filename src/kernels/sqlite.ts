import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { artifact } from "../artifacts/locate.ts";
import { displayBytes } from "./display-bytes.ts";

/** The database cannot be read; the message is half a sentence about it. */
export class SqliteError extends Error {}

interface Statement {
  step(): boolean;
  get(): unknown[];
  free(): void;
}

interface Database {
  prepare(sql: string, values: readonly string[]): Statement;
  close(): void;
}

/** What npm's sql.js makes of itself: SQLite, compiled to WebAssembly. */
interface SqlJs {
  Database: new (bytes: Uint8Array) => Database;
}

interface Emscripten {
  print: (text: string) => void;
  printErr: (text: string) => void;
  instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
}

/** The file format's header (The SQLite Database File Format, section 1.3). */
const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const WRITE_VERSION = 18;
const READ_VERSION = 19;
const ROLLBACK_JOURNAL = 1;

let loaded: Promise<SqlJs> | undefined;

/** What to read: the column of blobs of a table whose definition is known. */
export interface BlobColumn {
  table: string;
  column: string;
  /** Matches the text of the statement that made the table. */
  definition: RegExp;
}

/**
 * Calls `visit` with each blob of one column of an SQLite database, in the table's order. The database is not changed; one in
 * WAL mode is read as it is without its log (sqlite-wal.ts puts that in).
 *
 * Databases are an image's: hostile. SQLite runs as WebAssembly. Other than our own kernels it has imports, the system calls
 * that Emscripten answers from files in memory: of this machine it can learn the time and random numbers. A table made in another way than
 * `definition` says, which a view or a computed column would be, is refused, since reading those runs what SQL they hold;
 * and no database gives more bytes than it has.
 * @throws SqliteError
 */
export async function readSqliteBlobs(
  database: Uint8Array,
  from: BlobColumn,
  visit: (blob: Uint8Array) => void,
): Promise<void> {
  if (database.length < HEADER_BYTES || Buffer.from(database.subarray(0, 16)).toString("latin1") !== MAGIC)
    throw new SqliteError("it is of no known format");
  const { Database } = await (loaded ??= load());
  const copy = Uint8Array.from(database);
  // In its WAL mode SQLite would look for a log and for shared memory.
  copy[WRITE_VERSION] = copy[READ_VERSION] = ROLLBACK_JOURNAL;
  let open: Database | undefined;
  try {
    open = new Database(copy);
    const [table, ...others] = [
      ...rows(open, "SELECT type, sql FROM sqlite_schema WHERE name LIKE ? LIMIT 2", [from.table]),
    ];
    if (table === undefined) throw new SqliteError(`it has no table ${from.table}`);
    if (others.length > 0 || table[0] !== "table" || !from.definition.test(String(table[1])))
      throw new SqliteError(`its table ${from.table} is made in another way`);
    let left = database.length;
    for (const [blob] of rows(open, `SELECT "${from.column}" FROM "${from.table}"`, [])) {
      if (!(blob instanceof Uint8Array))
        throw new SqliteError(`its table ${from.table} holds something other than blobs`);
      // Pages that are used twice can make a small file endless.
      if ((left -= blob.length + 1) < 0) throw new SqliteError("it holds more than its size");
      visit(blob);
    }
  } catch (error) {
    if (error instanceof SqliteError) throw error;
    // An instance that has trapped is of no use any more.
    if (error instanceof WebAssembly.RuntimeError) loaded = open = undefined;
    throw new SqliteError(error instanceof Error ? displayBytes(Buffer.from(error.message)) : String(error));
  } finally {
    close(open);
  }
}

function* rows(database: Database, sql: string, values: readonly string[]): Generator<unknown[]> {
  const statement = database.prepare(sql, values);
  try {
    while (statement.step()) yield statement.get();
  } finally {
    statement.free();
  }
}

function close(database: Database | undefined): void {
  try {
    database?.close();
  } catch {
    // It tells once more what was wrong with the database.
  }
}

async function load(): Promise<SqlJs> {
  const require = createRequire(import.meta.url);
  const path = artifact("sql-js.cjs");
  // It keeps the first instance that it made.
  Reflect.deleteProperty(require.cache, path);
  const start = require(path) as (module: Emscripten) => Promise<SqlJs>;
  const module = new WebAssembly.Module(readFileSync(artifact("wasm/sql-js.wasm")));
  return await start({
    print: () => undefined,
    printErr: () => undefined,
    instantiateWasm: (imports, done) => {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
}
