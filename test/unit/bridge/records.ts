import { RECORD_HEADER_BYTES } from "../../../src/layer/format.ts";

/** An entry record (wasm/common/format.ts, section 1) decoded, for tests. */
export interface DecodedRecord {
  type: number;
  flags: number;
  mode: number;
  uid: number;
  gid: number;
  rdev: [number, number];
  mtime: [bigint, number];
  path: string;
  link: string;
  xattrs: Record<string, string>;
  size: number;
  dataOffset: number;
  storedBytes: number;
  linkCount: number;
  extents: [number, number][];
}

/** Written from the format's description alone: the second opinion on what native code writes. */
export function decodeRecords(bytes: Uint8Array): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  const latin1 = (start: number, length: number): string =>
    Buffer.from(bytes.subarray(start, start + length)).toString("latin1");
  for (let start = 0; start < bytes.length;) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start);
    const u32 = (at: number): number => view.getUint32(at, true);
    const u64 = (at: number): number => Number(view.getBigUint64(at, true));
    const [recordBytes, pathBytes, linkBytes, xattrBytes, sparseCount] = [u32(0), u32(36), u32(40), u32(44), u32(72)];
    if (recordBytes % 8 !== 0) throw new Error(`record of ${recordBytes} bytes`);
    let at = start + RECORD_HEADER_BYTES;
    const path = latin1(at, pathBytes);
    const link = latin1((at += pathBytes), linkBytes);
    at += linkBytes;
    const xattrs: Record<string, string> = {};
    for (const end = at + xattrBytes; at < end;) {
      const field = new DataView(bytes.buffer, bytes.byteOffset + at);
      const [nameBytes, valueBytes] = [field.getUint16(0, true), field.getUint32(4, true)];
      xattrs[latin1(at + 8, nameBytes)] = latin1(at + 8 + nameBytes, valueBytes);
      at += 8 + nameBytes + valueBytes;
    }
    const extentsAt = Math.ceil((at - start) / 8) * 8;
    if (extentsAt + sparseCount * 16 !== recordBytes) throw new Error(`record of ${path} has ${recordBytes} bytes`);
    records.push({
      type: view.getUint8(4),
      flags: view.getUint8(5),
      mode: view.getUint16(6, true),
      uid: u32(8),
      gid: u32(12),
      rdev: [u32(16), u32(20)],
      mtime: [view.getBigInt64(24, true), u32(32)],
      path,
      link,
      xattrs,
      size: u64(48),
      dataOffset: u64(56),
      storedBytes: u64(64),
      linkCount: u32(76),
      extents: Array.from({ length: sparseCount }, (_, i) => [u64(extentsAt + i * 16), u64(extentsAt + i * 16 + 8)]),
    });
    start += recordBytes;
  }
  return records;
}
