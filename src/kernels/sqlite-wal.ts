/** Sizes and places (The SQLite Database File Format, section 4.1). */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
/** Of the log: magic number with the checksums' byte order in its last bit, page size, salts, checksum of what is before it. */
const LOG_PAGE_SIZE = 8;
const LOG_SALT = 16;
const LOG_SUM = 24;
/** Of a frame: page number, database size in pages if it ends a transaction, the log's salts, checksum of everything so far. */
const FRAME_PAGES = 4;
const FRAME_SALT = 8;
const FRAME_SUM = 16;

/**
 * The database with the completed transactions of its write-ahead log in it, as SQLite finds it when it opens both. What is
 * left in a log of before, or was not written to its end, does not count. Returns the database itself where there are none.
 */
export function applySqliteWal(database: Uint8Array, log: Uint8Array): Uint8Array {
  if (log.length < HEADER_BYTES) return database;
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  const magic = view.getUint32(0);
  const pageBytes = view.getUint32(LOG_PAGE_SIZE);
  const isPageSize = pageBytes >= 512 && pageBytes <= 65536 && (pageBytes & (pageBytes - 1)) === 0;
  if ((magic & ~1) >>> 0 !== MAGIC || !isPageSize) return database;
  const sum = new Checksum(view, (magic & 1) === 0);
  sum.add(0, LOG_SUM);
  if (!sum.isAt(LOG_SUM)) return database;

  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  /** Where the newest copy of a page is; of the transactions that are complete. */
  const pages = new Map<number, number>();
  let pageCount = 0;
  let pending: [page: number, at: number][] = [];
  for (let at = HEADER_BYTES; at + frameBytes <= log.length; at += frameBytes) {
    const page = view.getUint32(at);
    const isOfLog = [0, 4].every((n) => view.getUint32(at + FRAME_SALT + n) === view.getUint32(LOG_SALT + n));
    sum.add(at, at + FRAME_SALT);
    sum.add(at + FRAME_HEADER_BYTES, at + frameBytes);
    if (page === 0 || !isOfLog || !sum.isAt(at + FRAME_SUM)) break;
    pending.push([page, at + FRAME_HEADER_BYTES]);
    if (view.getUint32(at + FRAME_PAGES) === 0) continue;
    pageCount = view.getUint32(at + FRAME_PAGES);
    for (const [number, place] of pending) pages.set(number, place);
    pending = [];
  }
  // More pages than both files have would be holes.
  if (pages.size === 0 || pageCount * pageBytes > database.length + log.length) return database;
  const result = new Uint8Array(pageCount * pageBytes);
  result.set(database.subarray(0, result.length));
  for (const [page, place] of pages)
    if (page <= pageCount) result.set(log.subarray(place, place + pageBytes), (page - 1) * pageBytes);
  return result;
}

/** The running sum of section 4.2. */
class Checksum {
  #a = 0;
  #b = 0;

  constructor(
    readonly view: DataView,
    readonly littleEndian: boolean,
  ) {}

  /** Both multiples of 8 apart. */
  add(from: number, to: number): void {
    const { view, littleEndian } = this;
    let a = this.#a;
    let b = this.#b;
    for (let at = from; at < to; at += 8) {
      a = (a + view.getUint32(at, littleEndian) + b) >>> 0;
      b = (b + view.getUint32(at + 4, littleEndian) + a) >>> 0;
    }
    this.#a = a;
    this.#b = b;
  }

  isAt(at: number): boolean {
    return this.view.getUint32(at) === this.#a && this.view.getUint32(at + 4) === this.#b;
  }
}
