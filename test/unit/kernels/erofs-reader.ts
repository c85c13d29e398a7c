/** An EROFS reader for tests, written from the format's description, not from the writer: kernel-free second opinion. */

export interface ErofsFile {
  nid: number;
  mode: number;
  uid: number;
  gid: number;
  mtime: [seconds: number, nanoseconds: number];
  links: number;
  size: number;
  rdev: number;
  xattrs: Record<string, string>;
  /** Of directories, in the order of the image. */
  entries: { name: string; nid: number; type: number }[];
  target: string;
  /** Of regular files: runs of bytes on devices, device 0 being a hole. Adjacent runs are joined. */
  runs: { device: number; offset: number; bytes: number }[];
  layout: number;
}

export interface ErofsSuperblock {
  blockBits: number;
  rootNid: number;
  inodes: number;
  blocks: number;
  metadataBlock: number;
  uuid: string;
  incompatible: number;
  deviceBlocks: number[];
  deviceTags: string[];
}

const PREFIXES: Record<number, string> = {
  1: "user.",
  2: "system.posix_acl_access",
  3: "system.posix_acl_default",
  4: "trusted.",
  6: "security.",
};

export class ErofsReader {
  readonly superblock: ErofsSuperblock;
  readonly #image: Buffer;

  constructor(bytes: Uint8Array) {
    const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#image = image;
    const at = 1024;
    if (image.readUInt32LE(at) !== 0xe0f5e1e2) throw new Error("no magic");
    const checked = Buffer.from(image.subarray(at, at + 512));
    checked.fill(0, 4, 8);
    if (image.readUInt32LE(at + 4) !== crc32c(checked)) throw new Error("checksum");
    const devices = image.readUInt16LE(at + 86);
    const table = image.readUInt16LE(at + 88) * 128;
    const slots = Array.from({ length: devices }, (_, i) => image.subarray(table + i * 128, table + i * 128 + 128));
    this.superblock = {
      blockBits: image[at + 12]!,
      rootNid: image.readUInt16LE(at + 14),
      inodes: Number(image.readBigUInt64LE(at + 16)),
      blocks: image.readUInt32LE(at + 36),
      metadataBlock: image.readUInt32LE(at + 40),
      uuid: image.toString("hex", at + 48, at + 64),
      incompatible: image.readUInt32LE(at + 80),
      deviceBlocks: slots.map((slot) => slot.readUInt32LE(64)),
      deviceTags: slots.map((slot) => slot.toString("latin1", 0, 64).replace(/\0+$/, "")),
    };
  }

  read(nid: number): ErofsFile {
    const image = this.#image;
    const at = this.superblock.metadataBlock * 512 + nid * 32;
    const format = image.readUInt16LE(at);
    if ((format & 1) !== 1 || at % 32 !== 0) throw new Error(`inode ${nid} is not an extended one`);
    const layout = format >> 1;
    const xattrCount = image.readUInt16LE(at + 2);
    const xattrBytes = xattrCount === 0 ? 0 : 12 + 4 * (xattrCount - 1);
    const mode = image.readUInt16LE(at + 4);
    const size = Number(image.readBigUInt64LE(at + 8));
    const body = at + 64 + xattrBytes;
    const file: ErofsFile = {
      nid,
      mode,
      uid: image.readUInt32LE(at + 24),
      gid: image.readUInt32LE(at + 28),
      mtime: [Number(image.readBigInt64LE(at + 32)), image.readUInt32LE(at + 40)],
      links: image.readUInt32LE(at + 44),
      size,
      rdev: image.readUInt32LE(at + 16),
      xattrs: this.#xattrs(at + 64, body),
      entries: [],
      target: "",
      runs: [],
      layout,
    };
    const kind = mode >> 12;
    if (kind === 4) file.entries = this.#entries(this.#content(layout, at, body, size));
    if (kind === 10) file.target = this.#content(layout, at, body, size).toString("latin1");
    if (kind === 8 && layout === 4) file.runs = this.#runs(image.readUInt16LE(at + 16), (body + 7) & ~7, size);
    return file;
  }

  #content(layout: number, at: number, body: number, size: number): Buffer {
    const start = this.#image.readUInt32LE(at + 16) * 512;
    if (layout === 0) return this.#image.subarray(start, start + size);
    if (layout !== 2) throw new Error(`layout ${layout}`);
    const tail = size % 512;
    if ((body % 512) + tail > 512) throw new Error("a tail crosses a block's border");
    return Buffer.concat([this.#image.subarray(start, start + size - tail), this.#image.subarray(body, body + tail)]);
  }

  #entries(content: Buffer): ErofsFile["entries"] {
    const found: ErofsFile["entries"] = [];
    for (let start = 0; start < content.length; start += 512) {
      const block = content.subarray(start, start + 512);
      const count = block.readUInt16LE(8) / 12;
      for (let i = 0; i < count; i++) {
        const from = block.readUInt16LE(i * 12 + 8);
        const zero = block.indexOf(0, from);
        const to = i + 1 < count ? block.readUInt16LE(i * 12 + 20) : zero < 0 ? block.length : zero;
        const name = block.toString("latin1", from, to);
        found.push({ name, nid: Number(block.readBigUInt64LE(i * 12)), type: block[i * 12 + 10]! });
      }
    }
    return found;
  }

  #runs(format: number, map: number, size: number): ErofsFile["runs"] {
    if ((format & 0x20) === 0 || (format & ~0x3f) !== 0) throw new Error(`chunk format ${format}`);
    const chunk = 512 * 2 ** (format & 31);
    const runs: ErofsFile["runs"] = [];
    for (let i = 0; i * chunk < size; i++) {
      const block = this.#image.readUInt32LE(map + i * 8 + 4);
      const device = block === 0xffffffff ? 0 : this.#image.readUInt16LE(map + i * 8 + 2);
      const run = { device, offset: device === 0 ? 0 : block * 512, bytes: Math.min(chunk, size - i * chunk) };
      const last = runs.at(-1);
      const follows = last?.device === device && (device === 0 || last.offset + last.bytes === run.offset);
      if (last !== undefined && follows) last.bytes += run.bytes;
      else runs.push(run);
    }
    return runs;
  }

  #xattrs(from: number, to: number): Record<string, string> {
    const found: Record<string, string> = {};
    for (let at = from + 12; at < to;) {
      const nameBytes = this.#image[at]!;
      const valueBytes = this.#image.readUInt16LE(at + 2);
      const name = PREFIXES[this.#image[at + 1]!]! + this.#image.toString("latin1", at + 4, at + 4 + nameBytes);
      found[name] = this.#image.toString("latin1", at + 4 + nameBytes, at + 4 + nameBytes + valueBytes);
      at += (4 + nameBytes + valueBytes + 3) & ~3;
    }
    return found;
  }
}

/** Castagnoli, seeded with ones, not inverted at the end; by the polynomial, bit by bit, most significant first. */
function crc32c(bytes: Uint8Array): number {
  const reflect = (value: number, bits: number): number => {
    let result = 0;
    for (let i = 0; i < bits; i++) if ((value >>> i) & 1) result |= 1 << (bits - 1 - i);
    return result >>> 0;
  };
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc = (crc ^ (reflect(byte, 8) << 24)) >>> 0;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x80000000 ? 0x1edc6f41 : 0)) >>> 0;
  }
  return reflect(crc, 32);
}
