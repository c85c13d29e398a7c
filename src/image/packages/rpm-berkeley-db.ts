import { RpmDatabaseError } from "./rpm-database-error.ts";

/** The first page's fields (Berkeley DB's src/dbinc/db_page.h, struct _dbmeta33). */
const MAGIC_AT = 12;
const HASH_MAGIC = 0x061561;
const PAGE_SIZE_AT = 20;
const ENCRYPTION_AT = 24;
const META_FLAGS_AT = 26;
const CHECKSUMMED = 1;
const LAST_PAGE_AT = 32;
const META_BYTES = 72;

/** Every page's header (struct _db_page): it has the next page of a chain, its entries, bytes of an overflow page, its type. */
const PAGE_HEADER_BYTES = 26;
const NEXT_AT = 16;
const ENTRIES_AT = 20;
const BYTES_AT = 22;
const TYPE_AT = 25;
const HASH_UNSORTED = 2;
const OVERFLOW = 7;
const HASH = 13;

/** Items of a hash page: a value, or where it is and how long. */
const KEY_DATA = 1;
const OFF_PAGE = 3;
const OFF_PAGE_BYTES = 12;

/** What a file begins with that is a hash of Berkeley DB. */
export function isBerkeleyHash(database: Uint8Array): boolean {
  if (database.length < META_BYTES) return false;
  const view = new DataView(database.buffer, database.byteOffset, database.length);
  return [true, false].some((littleEndian) => view.getUint32(MAGIC_AT, littleEndian) === HASH_MAGIC);
}

/**
 * The headers of an rpm database in a hash of Berkeley DB (`Packages` up to rpm 4.15): the values of all its keys but
 * 0, which counts the others. The pages are gone through in the file's order; there is no need to know how keys are hashed.
 * @throws RpmDatabaseError
 */
export function* berkeleyHeaders(database: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(database.buffer, database.byteOffset, database.length);
  const littleEndian = view.getUint32(MAGIC_AT, true) === HASH_MAGIC;
  const pageBytes = view.getUint32(PAGE_SIZE_AT, littleEndian);
  if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0) throw damaged();
  if (database[ENCRYPTION_AT] !== 0 || (database[META_FLAGS_AT]! & CHECKSUMMED) !== 0)
    throw new RpmDatabaseError("it is encrypted or has checksums");
  const u16 = (at: number): number => view.getUint16(at, littleEndian);
  const u32 = (at: number): number => view.getUint32(at, littleEndian);
  const pageCount = u32(LAST_PAGE_AT) + 1;
  if (database.length < pageCount * pageBytes) throw new RpmDatabaseError("it is cut off");
  // Chains that are used twice, or that are rings, can make a small file endless.
  let left = database.length;

  const overflow = (first: number, length: number): Uint8Array => {
    if ((left -= length) < 0) throw damaged();
    const value = new Uint8Array(length);
    let done = 0;
    for (let number = first; done < length; number = u32(number * pageBytes + NEXT_AT)) {
      const page = number * pageBytes;
      if (number === 0 || number >= pageCount || database[page + TYPE_AT] !== OVERFLOW) throw damaged();
      const bytes = u16(page + BYTES_AT);
      if (bytes === 0 || bytes > pageBytes - PAGE_HEADER_BYTES || bytes > length - done) throw damaged();
      value.set(database.subarray(page + PAGE_HEADER_BYTES, page + PAGE_HEADER_BYTES + bytes), done);
      done += bytes;
    }
    return value;
  };

  for (let page = pageBytes; page < pageCount * pageBytes; page += pageBytes) {
    const type = database[page + TYPE_AT];
    if (type !== HASH && type !== HASH_UNSORTED) continue;
    const entries = u16(page + ENTRIES_AT);
    if (entries % 2 !== 0 || PAGE_HEADER_BYTES + entries * 2 > pageBytes) throw damaged();
    /** An item goes from its place to that of the one before: they fill the page from its end. */
    const item = (n: number): Uint8Array => {
      const from = u16(page + PAGE_HEADER_BYTES + n * 2);
      const to = n === 0 ? pageBytes : u16(page + PAGE_HEADER_BYTES + n * 2 - 2);
      if (from < PAGE_HEADER_BYTES + entries * 2 || from >= to || to > pageBytes) throw damaged();
      return database.subarray(page + from, page + to);
    };
    for (let n = 0; n < entries; n += 2) {
      const key = item(n);
      const value = item(n + 1);
      if (key[0] !== KEY_DATA || key.length !== 5) throw damaged();
      if (key.subarray(1).every((byte) => byte === 0)) continue;
      if (value[0] === KEY_DATA) yield value.subarray(1);
      else if (value[0] === OFF_PAGE && value.length === OFF_PAGE_BYTES) {
        const at = value.byteOffset - database.byteOffset;
        yield overflow(u32(at + 4), u32(at + 8));
      } else throw damaged();
    }
  }
}

function damaged(): RpmDatabaseError {
  return new RpmDatabaseError("it is damaged");
}
