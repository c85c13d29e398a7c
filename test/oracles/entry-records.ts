/** Entry records (wasm/common/format.ts, section 1) as objects: texts are Latin-1 of the bytes. */
export interface EntryRecord {
  type: number;
  flags: number;
  mode: number;
  uid: number;
  gid: number;
  rdev: [major: number, minor: number];
  mtime: [seconds: number, nanoseconds: number];
  path: string;
  link: string;
  xattrs: [name: string, value: string][];
  size: number;
  dataOffset: number;
  storedBytes: number;
  extents: [fileOffset: number, bytes: number][];
  linkCount: number;
}

/** An attribute list as format.ts lays it out. */
export function decodeXattrs(list: Buffer): [string, string][] {
  const xattrs: [string, string][] = [];
  for (let at = 0; at < list.length;) {
    const name = at + 8;
    const value = name + list.readUInt16LE(at);
    const end = value + list.readUInt32LE(at + 4);
    xattrs.push([list.toString("latin1", name, value), list.toString("latin1", value, end)]);
    at = end;
  }
  return xattrs;
}

export function encodeXattrs(xattrs: readonly (readonly [string, string])[]): Buffer {
  const parts = xattrs.map(([name, value]) => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(name.length, 0);
    head.writeUInt32LE(value.length, 4);
    return Buffer.concat([head, Buffer.from(name + value, "latin1")]);
  });
  return Buffer.concat(parts);
}

export function decodeRecords(bytes: Uint8Array): EntryRecord[] {
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: EntryRecord[] = [];
  for (let at = 0; at < b.length; at += b.readUInt32LE(at)) {
    const path = at + 80;
    const link = path + b.readUInt32LE(at + 36);
    const xattrs = link + b.readUInt32LE(at + 40);
    const end = xattrs + b.readUInt32LE(at + 44);
    const first = at + ((end - at + 7) & ~7);
    const extents = Array.from({ length: b.readUInt32LE(at + 72) }, (_, i): [number, number] => [
      Number(b.readBigUInt64LE(first + 16 * i)),
      Number(b.readBigUInt64LE(first + 16 * i + 8)),
    ]);
    if (first + 16 * extents.length !== at + b.readUInt32LE(at)) throw new Error(`record at ${at}: wrong length`);
    records.push({
      type: b.readUInt8(at + 4),
      flags: b.readUInt8(at + 5),
      mode: b.readUInt16LE(at + 6),
      uid: b.readUInt32LE(at + 8),
      gid: b.readUInt32LE(at + 12),
      rdev: [b.readUInt32LE(at + 16), b.readUInt32LE(at + 20)],
      mtime: [Number(b.readBigInt64LE(at + 24)), b.readUInt32LE(at + 32)],
      path: b.toString("latin1", path, link),
      link: b.toString("latin1", link, xattrs),
      xattrs: decodeXattrs(b.subarray(xattrs, end)),
      size: Number(b.readBigUInt64LE(at + 48)),
      dataOffset: Number(b.readBigUInt64LE(at + 56)),
      storedBytes: Number(b.readBigUInt64LE(at + 64)),
      extents,
      linkCount: b.readUInt32LE(at + 76),
    });
  }
  return records;
}

/** A record with everything but `type` and `path` at its default. */
export function record(type: number, path: string, rest: Partial<EntryRecord> = {}): EntryRecord {
  return {
    type,
    flags: 0,
    mode: type === 5 ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    rdev: [0, 0],
    mtime: [0, 0],
    path,
    link: "",
    xattrs: [],
    size: 0,
    dataOffset: 0,
    storedBytes: rest.size ?? 0,
    extents: [],
    linkCount: 0,
    ...rest,
  };
}

export function encodeRecords(records: readonly EntryRecord[]): Buffer {
  return Buffer.concat(records.map(encodeRecord));
}

function encodeRecord(r: EntryRecord): Buffer {
  const xattrs = encodeXattrs(r.xattrs);
  const first = (80 + r.path.length + r.link.length + xattrs.length + 7) & ~7;
  const b = Buffer.alloc(first + 16 * r.extents.length);
  b.writeUInt32LE(b.length, 0);
  b.writeUInt8(r.type, 4);
  b.writeUInt8(r.flags, 5);
  b.writeUInt16LE(r.mode, 6);
  b.writeUInt32LE(r.uid, 8);
  b.writeUInt32LE(r.gid, 12);
  b.writeUInt32LE(r.rdev[0], 16);
  b.writeUInt32LE(r.rdev[1], 20);
  b.writeBigInt64LE(BigInt(r.mtime[0]), 24);
  b.writeUInt32LE(r.mtime[1], 32);
  b.writeUInt32LE(r.path.length, 36);
  b.writeUInt32LE(r.link.length, 40);
  b.writeUInt32LE(xattrs.length, 44);
  b.writeBigUInt64LE(BigInt(r.size), 48);
  b.writeBigUInt64LE(BigInt(r.dataOffset), 56);
  b.writeBigUInt64LE(BigInt(r.storedBytes), 64);
  b.writeUInt32LE(r.extents.length, 72);
  b.writeUInt32LE(r.linkCount, 76);
  b.write(r.path, 80, "latin1");
  b.write(r.link, 80 + r.path.length, "latin1");
  xattrs.copy(b, 80 + r.path.length + r.link.length);
  r.extents.forEach(([offset, bytes], i) => {
    b.writeBigUInt64LE(BigInt(offset), first + 16 * i);
    b.writeBigUInt64LE(BigInt(bytes), first + 16 * i + 8);
  });
  return b;
}
