import { RpmDatabaseError } from "./rpm-database-error.ts";

/** All numbers are little-endian (rpm's lib/backend/ndb/rpmpkg.c). */
const MAGIC = 0x506d7052; // "RpmP"
const VERSION_AT = 4;
const SLOT_PAGES_AT = 12;
const HEADER_BYTES = 32;
const PAGE_BYTES = 4096;

/** A slot: magic number, package, first block of its blob (0: a free slot), blocks. */
const SLOT_BYTES = 16;
const SLOT_MAGIC = 0x746f6c53; // "Slot"
const BLOCK_BYTES = 16;
/** A blob: magic number, package, generation, size; its bytes; a tail. */
const BLOB_MAGIC = 0x53626c42; // "BlbS"
const BLOB_HEAD_BYTES = 16;
const BLOB_TAIL_BYTES = 12;

/** What a file begins with that is a database of the format ndb. */
export function isNdb(database: Uint8Array): boolean {
  return database.length >= HEADER_BYTES && viewOf(database).getUint32(0, true) === MAGIC;
}

/**
 * The headers of an rpm database of the format ndb (`Packages.db`, SUSE's), in the order of its slots.
 * @throws RpmDatabaseError
 */
export function* ndbHeaders(database: Uint8Array): Generator<Uint8Array> {
  const view = viewOf(database);
  const version = view.getUint32(VERSION_AT, true);
  if (version !== 0) throw new RpmDatabaseError(`it has version ${version} of the format ndb`);
  const slotsEnd = view.getUint32(SLOT_PAGES_AT, true) * PAGE_BYTES;
  if (slotsEnd > database.length) throw new RpmDatabaseError("it is cut off");
  // Blobs do not overlap: slots that share one can make a small file endless.
  let left = database.length;
  for (let slot = HEADER_BYTES; slot < slotsEnd; slot += SLOT_BYTES) {
    const [magic, packageNumber, block, blocks] = [0, 4, 8, 12].map((at) => view.getUint32(slot + at, true));
    if (magic !== SLOT_MAGIC) throw damaged();
    if (block === 0) continue;
    const blob = block! * BLOCK_BYTES;
    const blobBytes = blocks! * BLOCK_BYTES;
    if (blob < slotsEnd || blob + blobBytes > database.length || blocks === 0) throw damaged();
    const bytes = view.getUint32(blob + 12, true);
    const isOfSlot = view.getUint32(blob, true) === BLOB_MAGIC && view.getUint32(blob + 4, true) === packageNumber;
    left -= blobBytes;
    if (!isOfSlot || left < 0 || BLOB_HEAD_BYTES + bytes + BLOB_TAIL_BYTES > blobBytes) throw damaged();
    yield database.subarray(blob + BLOB_HEAD_BYTES, blob + BLOB_HEAD_BYTES + bytes);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function damaged(): RpmDatabaseError {
  return new RpmDatabaseError("it is damaged");
}
