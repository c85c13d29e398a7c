import { ENTRY_REGULAR, RECORD_HEADER_BYTES } from "./format.ts";

/** What a filter looks at in an entry record (format.ts, section 1). */
export interface RecordView {
  /** Raw bytes; a view. */
  path: Uint8Array;
  type: number;
  /** Logical size of a regular file; bytes. */
  size: number;
}

/** The records that `keep` wants, in their order; the buffer itself where it wants all. */
export function filterRecords(records: Uint8Array, keep: (record: RecordView) => boolean): Uint8Array {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const kept: Uint8Array[] = [];
  let dropped = false;
  for (let at = 0; at < records.length;) {
    const bytes = view.getUint32(at, true);
    const start = at + RECORD_HEADER_BYTES;
    const type = records[at + 4]!;
    const record = {
      path: records.subarray(start, start + view.getUint32(at + 36, true)),
      type,
      size: type === ENTRY_REGULAR ? Number(view.getBigUint64(at + 48, true)) : 0,
    };
    if (keep(record)) kept.push(records.subarray(at, at + bytes));
    else dropped = true;
    at += bytes;
  }
  return dropped ? Buffer.concat(kept) : records;
}
