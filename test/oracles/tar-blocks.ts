/** Tar headers put together by hand, field by field, for what no tool would write. */
export interface HeaderFields {
  name?: string;
  type?: string;
  mode?: string;
  uid?: string | Buffer;
  gid?: string | Buffer;
  size?: string | Buffer | number;
  mtime?: string | Buffer;
  link?: string;
  magic?: string;
  devMajor?: string;
  devMinor?: string;
  prefix?: string;
  /** Further bytes, by their offset in the header. */
  at?: Record<number, string | Buffer>;
  /** Replaces the right checksum. */
  checksum?: string;
  /** Sums the bytes as signed ones, as some old writers did. */
  signed?: boolean;
}

/** One header block. Texts are Latin-1; numbers that are not given are 0, in octal. */
export function header(fields: HeaderFields = {}): Buffer {
  const b = Buffer.alloc(512);
  const put = (value: string | Buffer, at: number): void => {
    Buffer.from(value as string, "latin1").copy(b, at);
  };
  put(fields.name ?? "file", 0);
  put(fields.mode ?? "0000644\0", 100);
  put(fields.uid ?? "0000000\0", 108);
  put(fields.gid ?? "0000000\0", 116);
  const size = fields.size ?? 0;
  put(typeof size === "number" ? `${size.toString(8).padStart(11, "0")}\0` : size, 124);
  put(fields.mtime ?? "00000000000\0", 136);
  put(fields.type ?? "0", 156);
  put(fields.link ?? "", 157);
  put(fields.magic ?? "ustar\x0000", 257);
  put(fields.devMajor ?? "0000000\0", 329);
  put(fields.devMinor ?? "0000000\0", 337);
  put(fields.prefix ?? "", 345);
  for (const [at, value] of Object.entries(fields.at ?? {})) put(value, Number(at));
  b.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of b) sum += fields.signed === true && byte > 127 ? byte - 256 : byte;
  put(fields.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return b;
}

/** Data filled up to whole blocks. */
export function blocks(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data as string, "latin1");
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A file with its data. */
export function file(fields: HeaderFields, data: string | Buffer = ""): Buffer {
  return Buffer.concat([header({ size: data.length, ...fields }), blocks(data)]);
}

/** One pax record with the right length. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`.length;
  let length = rest + 1;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** An extended header of the records; `type` "g": a global one. */
export function pax(records: readonly (readonly [string, string])[], type = "x"): Buffer {
  return file({ name: "PaxHeaders/x", type }, records.map(([key, value]) => paxRecord(key, value)).join(""));
}

/** Big-endian base-256, as GNU tar writes what octal digits cannot hold. */
export function base256(value: bigint, bytes: number): Buffer {
  const b = Buffer.alloc(bytes);
  let rest = BigInt.asUintN(bytes * 8, value);
  for (let i = bytes - 1; i >= 0; i--, rest >>= 8n) b[i] = Number(rest & 0xffn);
  b[0]! |= 0x80;
  return b;
}

/** Entries of an old GNU sparse map, 24 bytes each. */
export function oldSparseMap(extents: [number, number][]): string {
  return extents.map((pair) => pair.map((n) => `${n.toString(8).padStart(11, "0")}\0`).join("")).join("");
}

/** The two zero blocks that end an archive. */
export const END = Buffer.alloc(1024);

export function tar(...parts: Buffer[]): Buffer {
  return Buffer.concat([...parts, END]);
}
