import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
import { closeSync, openSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "tar-stream";
import { afterAll, describe, expect, it } from "vitest";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { decodeRecords, type EntryRecord } from "../../oracles/entry-records.ts";

const has = (tool: string): boolean => spawnSync(tool, ["--help"]).error === undefined;
const isRoot = process.getuid?.() === 0;
const work = mkdtempSync(join(tmpdir(), "gantry-tar-scan-"));
const tree = join(work, "tree");
const LONG = "a-rather-long-directory-name/".repeat(7);

function makeTree(): void {
  mkdirSync(join(tree, LONG), { recursive: true });
  writeFileSync(join(tree, "plain"), "some text\n", { mode: 0o640 });
  writeFileSync(join(tree, "empty"), "");
  writeFileSync(join(tree, LONG, `${"n".repeat(90)}-end`), "x".repeat(1500));
  writeFileSync(join(tree, "setuid"), "#!/bin/sh\n");
  chmodSync(join(tree, "setuid"), 0o4755);
  symlinkSync("plain", join(tree, "link"));
  symlinkSync("t".repeat(180), join(tree, "long-link"));
  linkSync(join(tree, "plain"), join(tree, "hard"));
  mkdirSync(join(tree, "sticky"), { mode: 0o700 });
  chmodSync(join(tree, "sticky"), 0o1777);
  const holes = openSync(join(tree, "holes"), "w");
  for (let i = 0; i < 30; i++) writeSync(holes, "data", 100_000 * i);
  closeSync(holes);
  truncateSync(join(tree, "holes"), 4_000_000);
  spawnSync("mkfifo", [join(tree, "fifo")]);
  if (isRoot) {
    spawnSync("mknod", [join(tree, "null"), "c", "1", "3"]);
    spawnSync("chown", ["-h", "70000:60000", join(tree, "link")]);
  }
  for (const name of readdirSync(tree)) lutimesSync(join(tree, name), 1_600_000_000, 1_600_000_000);
}
makeTree();
afterAll(() => rmSync(work, { recursive: true }));

function scan(tar: Buffer): EntryRecord[] {
  const scanner = new TarScanner();
  for (let at = 0; at < tar.length; at += 65_000) scanner.push(tar.subarray(at, at + 65_000));
  return decodeRecords(scanner.finish().records);
}

const TYPES = { 0: "isFile", 2: "isSymbolicLink", 3: "isCharacterDevice", 5: "isDirectory", 6: "isFIFO" } as const;

/** Every path of the tree must be in the tar as it is on disk. */
function expectTree(tar: Buffer, known: { longNames?: boolean; specials?: boolean } = {}): void {
  const records = scan(tar);
  const seen = new Set<string>();
  for (const record of records) {
    const path = record.path.replace(/^\.\/?/, "").replace(/\/$/, "");
    seen.add(path);
    const stat = lstatSync(join(tree, path));
    if (record.type === 1) {
      expect(lstatSync(join(tree, record.link)).ino).toBe(stat.ino);
      continue;
    }
    expect(stat[TYPES[record.type as keyof typeof TYPES]](), path).toBe(true);
    const size = stat.isFile() ? stat.size : 0;
    expect({ path, mode: record.mode, size: record.size }).toEqual({ path, mode: stat.mode & 0o7777, size });
    expect([record.uid, record.gid], path).toEqual([stat.uid, stat.gid]);
    if (stat.isSymbolicLink() && (known.longNames !== false || path !== "long-link"))
      expect(record.link).toBe(readlinkSync(join(tree, path)));
    if (stat.isCharacterDevice()) expect(record.rdev).toEqual([1, 3]);
    if (stat.isFile()) expect(contentOf(tar, record).equals(readFileSync(join(tree, path))), path).toBe(true);
  }
  const all = readdirSync(tree, { recursive: true, encoding: "utf8" });
  for (const path of all) {
    const isLong = path.length > 90 || path === "long-link";
    if (known.longNames === false && isLong) continue;
    if (known.specials === false && (path === "fifo" || path === "null")) continue;
    expect(seen.has(path), path).toBe(true);
  }
}

function contentOf(tar: Buffer, { size, dataOffset, storedBytes, extents }: EntryRecord): Buffer {
  if (extents.length === 0) return tar.subarray(dataOffset, dataOffset + storedBytes);
  const content = Buffer.alloc(size);
  let at = dataOffset;
  for (const [offset, bytes] of extents) {
    tar.copy(content, offset, at, at + bytes);
    at += bytes;
  }
  return content;
}

/** Runs a tool on the tree; its exit status does not matter where a format cannot hold everything. */
function packed(tool: string, ...args: string[]): Buffer {
  return spawnSync(tool, args, { cwd: tree, maxBuffer: 1 << 30, env: { ...process.env, LC_ALL: "C" } }).stdout;
}

describe.skipIf(!has("tar"))("the tar scanner reads what GNU tar writes", () => {
  it.each(["v7", "oldgnu", "gnu", "ustar", "posix"])("--format=%s", (format) => {
    const all = format !== "v7" && format !== "ustar";
    expectTree(packed("tar", `--format=${format}`, "--numeric-owner", "-cf", "-", "."), {
      longNames: all,
      specials: format !== "v7",
    });
  });

  it.each(["0.0", "0.1", "1.0"])("pax with sparse files of version %s", (version) => {
    const tar = packed("tar", "--format=posix", "--sparse", `--sparse-version=${version}`, "-cf", "-", ".");
    expect(tar.length).toBeLessThan(500_000);
    expectTree(tar);
  });

  it("its own sparse format, with more extents than the header holds", () => {
    const tar = packed("tar", "--format=gnu", "--sparse", "-cf", "-", ".");
    expect(scan(tar).find(({ path }) => path === "./holes")?.extents.length).toBeGreaterThan(25);
    expectTree(tar);
  });

  it("times to the nanosecond, before 1970 too", () => {
    const file = join(work, "times");
    for (const [time, expected] of [
      ["1234567890.123456789", [1_234_567_890, 123_456_789]],
      ["-5.25", [-6, 750_000_000]],
    ] as const) {
      writeFileSync(file, "");
      spawnSync("touch", ["-d", `@${time}`, file]);
      const tar = spawnSync("tar", ["--format=posix", "-C", work, "-cf", "-", "times"]).stdout;
      expect(scan(tar)[0]?.mtime).toEqual(expected);
    }
  });

  it("a volume label and a dereferenced root name", () => {
    expect(scan(packed("tar", "-V", "my label", "-cf", "-", "plain")).map(({ path }) => path)).toEqual(["plain"]);
    expect(scan(packed("tar", "-P", "-cf", "-", join(tree, "plain")))[0]?.path).toBe(join(tree, "plain"));
  });
});

describe.skipIf(!has("bsdtar"))("the tar scanner reads what libarchive writes", () => {
  it.each(["pax", "ustar", "gnutar", "v7"])("--format=%s", (format) => {
    const all = format === "pax" || format === "gnutar";
    const tar = packed("bsdtar", "--format", format, "--numeric-owner", "--no-read-sparse", "-cf", "-", ".");
    expectTree(tar, { longNames: all, specials: format !== "v7" });
  });

  it("its sparse files", () => {
    expectTree(packed("bsdtar", "--format", "pax", "--read-sparse", "-cf", "-", "."));
  });
});

describe.skipIf(!has("python3"))("the tar scanner reads what Python writes", () => {
  it.each(["USTAR", "GNU", "PAX"])("tarfile.%s_FORMAT", (format) => {
    const script = `import sys, tarfile
t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.${format}_FORMAT)
import os
for path, dirs, files in os.walk("."):
    for n in sorted(dirs + files):
        try: t.add(os.path.join(path, n), recursive=False)
        except ValueError: pass
t.close()`;
    expectTree(packed("python3", "-c", script), { longNames: format !== "USTAR" });
  });
});

describe.skipIf(!has("busybox"))("the tar scanner reads what BusyBox writes", () => {
  it("tar -c", () => {
    expectTree(packed("busybox", "tar", "-cf", "-", "."));
  });
});

it("the tar scanner reads what tar-stream writes", async () => {
  const stream = pack();
  stream.entry({ name: `${"long/".repeat(40)}é`, mode: 0o600, uid: 50_000, mtime: new Date(1_500_000_000_000) }, "abc");
  stream.entry({ name: "d", type: "directory" });
  stream.entry({ name: "l", type: "symlink", linkname: "ü".repeat(80) });
  stream.entry({ name: "x", pax: { "SCHILY.xattr.user.a": "1" } }, "y");
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const [file, directory, link, attributed] = scan(Buffer.concat(chunks));
  const name = Buffer.from(`${"long/".repeat(40)}é`).toString("latin1");
  expect(file).toMatchObject({ path: name, uid: 50_000, mode: 0o600, size: 3, mtime: [1_500_000_000, 0] });
  expect(directory).toMatchObject({ type: 5, path: "d" });
  expect(link).toMatchObject({ type: 2, link: Buffer.from("ü".repeat(80)).toString("latin1") });
  expect(attributed).toMatchObject({ path: "x", size: 1, xattrs: [["user.a", "1"]] });
});

it.skipIf(!isRoot || spawnSync("setfattr", ["--version"]).status !== 0)(
  "the tar scanner reads extended attributes as GNU tar and libarchive write them",
  () => {
    const file = join(work, "attributed");
    writeFileSync(file, "");
    const done = spawnSync("setfattr", ["-n", "user.bytes", "-v", "0x00ff3d0a", file]);
    if (done.status !== 0) return;
    const expected = [["user.bytes", "\0\xff=\n"]];
    const gnu = execFileSync("tar", ["--format=posix", "--xattrs", "-C", work, "-cf", "-", "attributed"]);
    expect(scan(gnu)[0]?.xattrs).toEqual(expected);
    if (!has("bsdtar")) return;
    const bsd = execFileSync("bsdtar", ["--xattrs", "--format", "pax", "-C", work, "-cf", "-", "attributed"]);
    expect(scan(bsd)[0]?.xattrs).toEqual(expected);
  },
);
