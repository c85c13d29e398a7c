/** One member of a layer's tar. Paths, targets and names are Latin-1 strings: one character is one byte. */
export interface TarMember {
  path: string;
  type: "file" | "dir" | "link" | "hardlink" | "char" | "block" | "fifo";
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds, [seconds, nanoseconds]; default 1,700,000,000. */
  mtime?: number | [number, number];
  /** Content; of a sparse file the data of its extents, one after the other. */
  data?: Uint8Array | string;
  target?: string;
  rdev?: [number, number];
  xattrs?: [name: string, value: Uint8Array | string][];
  /** Makes it a pax 1.0 sparse file of this size (GNU tar manual, "PAX Format, Version 1.0"). */
  sparse?: { size: number; extents: { fileOffset: number; bytes: number }[] };
}

const TYPE_FLAGS = { file: "0", hardlink: "1", link: "2", char: "3", block: "4", dir: "5", fifo: "6" } as const;

/** A whiteout of `path`, as layers have it (OCI image-spec, layer.md). */
export function whiteout(path: string): TarMember {
  const slash = path.lastIndexOf("/") + 1;
  return { path: `${path.slice(0, slash)}.wh.${path.slice(slash)}`, type: "file", data: "" };
}

export function opaque(directory: string): TarMember {
  return { path: `${directory}/.wh..wh..opq`, type: "file", data: "" };
}

/**
 * Writes a tar (POSIX pax) for tests: small, literal, and not what gantry writes with. Everything that a ustar header
 * cannot hold, names above 100 bytes included, goes into an extended header.
 */
export function buildTar(members: readonly TarMember[]): Buffer {
  const parts: Buffer[] = [];
  for (const member of members) {
    const map = member.sparse === undefined ? undefined : sparseMap(member.sparse.extents);
    const content =
      typeof member.data === "string" ? Buffer.from(member.data, "latin1") : Buffer.from(member.data ?? []);
    const data = map === undefined ? content : Buffer.concat([map, content]);
    const [seconds, nanoseconds] = Array.isArray(member.mtime) ? member.mtime : [member.mtime ?? 1_700_000_000, 0];
    const records: [string, string][] = [];
    if (nanoseconds !== 0 || seconds < 0 || seconds > 0o77777777777)
      records.push(["mtime", decimal(seconds, nanoseconds)]);
    if (member.path.length > 100) records.push(["path", member.path]);
    if ((member.target ?? "").length > 100) records.push(["linkpath", member.target!]);
    for (const key of ["uid", "gid"] as const) {
      if ((member[key] ?? 0) > 0o7777777) records.push([key, String(member[key])]);
    }
    for (const [name, value] of member.xattrs ?? []) {
      records.push([`SCHILY.xattr.${name}`, typeof value === "string" ? value : Buffer.from(value).toString("latin1")]);
    }
    if (member.sparse !== undefined) {
      records.push(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.name", member.path]);
      records.push(["GNU.sparse.realsize", String(member.sparse.size)]);
    }
    if (records.length > 0) {
      const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
      parts.push(header({ path: "pax", type: "file" }, body.length, "x", 0), padded(body));
    }
    parts.push(
      header(member, data.length, TYPE_FLAGS[member.type], Math.max(0, seconds) % 0o77777777777),
      padded(data),
    );
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

function header(member: TarMember, size: number, flag: string, mtime: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, offset: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, "0"), offset, "latin1");
  };
  block.write(member.path.slice(0, 100), 0, "latin1");
  octal(member.mode ?? (member.type === "dir" ? 0o755 : 0o644), 100, 8);
  octal((member.uid ?? 0) & 0o7777777, 108, 8);
  octal((member.gid ?? 0) & 0o7777777, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  block.write("        ", 148, "latin1");
  block.write(flag, 156, "latin1");
  block.write((member.target ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(member.rdev?.[0] ?? 0, 329, 8);
  octal(member.rdev?.[1] ?? 0, 337, 8);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
    "latin1",
  );
  return block;
}

/** `length key=value\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.from(`${length}${rest}`, "latin1");
}

function decimal(seconds: number, nanoseconds: number): string {
  if (seconds >= 0 || nanoseconds === 0) return `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
  return `-${-seconds - 1}.${String(1_000_000_000 - nanoseconds).padStart(9, "0")}`;
}

function sparseMap(extents: { fileOffset: number; bytes: number }[]): Buffer {
  const numbers = [extents.length, ...extents.flatMap((extent) => [extent.fileOffset, extent.bytes])];
  return padded(Buffer.from(`${numbers.join("\n")}\n`));
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}
