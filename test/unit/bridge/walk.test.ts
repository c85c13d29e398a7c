import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { setXattr, walkTree, walkTreeAsync } from "../../../src/bridge/index.ts";
import * as format from "../../../src/layer/format.ts";
import { decodeRecords, type DecodedRecord } from "./records.ts";
import { lacksRoot, scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("walk");
let made = 0;

function tree(): string {
  const root = join(scratch, `tree${made++}`);
  mkdirSync(root);
  return root;
}

const byPath = (root: string, options = {}): Record<string, DecodedRecord> =>
  Object.fromEntries(decodeRecords(walkTree(root, options).records).map((record) => [record.path, record]));

describe("walkTree", () => {
  it("lists directories before their content, names in bytewise order, depth first", () => {
    const root = tree();
    for (const directory of ["b", "a", "a/z", "a.d", "B"]) mkdirSync(join(root, directory));
    for (const file of ["b/1", "a/z/2", "a-", "é", "a/~"]) writeFileSync(join(root, file), "");
    const { records, entryCount } = walkTree(root);
    const paths = decodeRecords(records).map((record) => Buffer.from(record.path, "latin1").toString());
    expect(paths).toEqual(["B", "a", "a/z", "a/z/2", "a/~", "a-", "a.d", "b", "b/1", "é"].sort((x, y) => order(x, y)));
    expect(entryCount).toBe(paths.length);
  });

  /** By component, bytewise: "a/z" comes before "a-". */
  function order(x: string, y: string): number {
    const [xs, ys] = [x.split("/"), y.split("/")];
    for (let i = 0; i < Math.min(xs.length, ys.length); i++) {
      const compared = Buffer.compare(Buffer.from(xs[i]!), Buffer.from(ys[i]!));
      if (compared !== 0) return compared;
    }
    return xs.length - ys.length;
  }

  it("tells type, mode, size, times before 1970, link target and inode", () => {
    const root = tree();
    writeFileSync(join(root, "file"), "hello", { mode: 0o640 });
    execFileSync("touch", ["-d", "1960-02-03T04:05:06.789012345Z", join(root, "file")]);
    symlinkSync("to/nowhere", join(root, "link"));
    lutimesSync(join(root, "link"), 5, 5);
    execFileSync("mkfifo", ["-m", "0601", join(root, "fifo")]);
    const { file, link, fifo } = byPath(root);
    const seconds = BigInt(Math.floor(Date.parse("1960-02-03T04:05:06Z") / 1000));
    expect(file).toMatchObject({ type: format.ENTRY_REGULAR, mode: 0o640, size: 5, storedBytes: 5, linkCount: 1 });
    expect(file).toMatchObject({ mtime: [seconds, 789_012_345], dataOffset: statSync(join(root, "file")).ino });
    expect(link).toMatchObject({ type: format.ENTRY_SYMLINK, link: "to/nowhere", size: 0, mtime: [5n, 0] });
    expect(fifo).toMatchObject({ type: format.ENTRY_FIFO, mode: 0o601 });
  });

  it("makes further names of an inode hard links to the first", () => {
    const root = tree();
    mkdirSync(join(root, "d"));
    writeFileSync(join(root, "d/one"), "x");
    linkSync(join(root, "d/one"), join(root, "a"));
    linkSync(join(root, "d/one"), join(root, "d/two"));
    const records = byPath(root);
    expect(records["a"]).toMatchObject({ type: format.ENTRY_REGULAR, linkCount: 3, size: 1 });
    for (const name of ["d/one", "d/two"]) {
      expect(records[name]).toMatchObject({ type: format.ENTRY_HARDLINK, link: "a", linkCount: 3, size: 0 });
    }
  });

  it("finds the data extents of sparse files", () => {
    const root = tree();
    const file = openSync(join(root, "sparse"), "w");
    writeSync(file, Buffer.alloc(4096, 1), 0, 4096, 1 << 20);
    ftruncateSync(file, 2 ** 40);
    closeSync(file);
    writeFileSync(join(root, "hole"), "");
    execFileSync("truncate", ["-s", "1M", join(root, "hole")]);
    writeFileSync(join(root, "full"), Buffer.alloc(8192, 1));
    const { sparse, hole, full } = byPath(root);
    expect(sparse).toMatchObject({ size: 2 ** 40, storedBytes: 4096, extents: [[1 << 20, 4096]] });
    expect(hole).toMatchObject({ size: 1 << 20, storedBytes: 0, extents: [[1 << 20, 0]] });
    expect(full).toMatchObject({ size: 8192, storedBytes: 8192, extents: [] });
  });

  it("reports sockets instead of recording them", async () => {
    const root = tree();
    const server = createServer().listen(join(root, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    writeFileSync(join(root, "file"), "");
    const { records, entryCount, skippedSockets } = walkTree(root);
    server.close();
    expect(decodeRecords(records).map((record) => record.path)).toEqual(["file"]);
    expect(entryCount).toBe(1);
    expect(skippedSockets.map((path) => Buffer.from(path).toString())).toEqual(["socket"]);
  });

  it.skipIf(lacksRoot())("reads an overlay's whiteouts, opaque directories and attributes as root mounts it", () => {
    const root = tree();
    mkdirSync(join(root, "opaque"));
    setXattr(join(root, "opaque"), "trusted.overlay.opaque", Buffer.from("y"));
    setXattr(join(root, "opaque"), "trusted.overlay.origin", Buffer.from("z"));
    setXattr(join(root, "opaque"), "user.overlay.opaque", Buffer.from("y"));
    setXattr(join(root, "opaque"), "trusted.mine", Buffer.from([0, 1]));
    mkdirSync(join(root, "plain"));
    execFileSync("mknod", [join(root, "gone"), "c", "0", "0"]);
    linkSync(join(root, "gone"), join(root, "gone-too"));
    execFileSync("mknod", [join(root, "null"), "c", "1", "3"]);
    const records = byPath(root);
    expect(records["opaque"]).toMatchObject({
      flags: format.RECORD_OPAQUE,
      xattrs: { "trusted.mine": "\0\x01", "user.overlay.opaque": "y" },
    });
    expect(records["plain"]).toMatchObject({ flags: 0, xattrs: {} });
    // Overlay makes all whiteouts links of one inode: each is one nevertheless.
    for (const name of ["gone", "gone-too"]) {
      expect(records[name]).toMatchObject({ type: format.ENTRY_CHAR, flags: format.RECORD_WHITEOUT, rdev: [0, 0] });
    }
    expect(records["null"]).toMatchObject({ type: format.ENTRY_CHAR, flags: 0, rdev: [1, 3] });

    const user = byPath(root, { overlay: "user" });
    expect(user["opaque"]?.flags).toBe(format.RECORD_OPAQUE);
    expect(Object.keys(user["opaque"]!.xattrs)).toEqual([
      "trusted.mine",
      "trusted.overlay.opaque",
      "trusted.overlay.origin",
    ]);

    const none = byPath(root, { overlay: "none" });
    expect(none["opaque"]).toMatchObject({ flags: 0 });
    expect(Object.keys(none["opaque"]!.xattrs)).toHaveLength(4);
    expect(none["gone-too"]).toMatchObject({ type: format.ENTRY_HARDLINK, flags: 0, link: "gone" });
    expect(byPath(root, { overlay: "none", xattrs: false })["opaque"]?.xattrs).toEqual({});
  });

  it("records the root itself, with an empty path, when asked", () => {
    const root = tree();
    writeFileSync(join(root, "a"), "");
    const records = decodeRecords(walkTree(root, { includeRoot: true }).records);
    expect(records.map((record) => record.path)).toEqual(["", "a"]);
    expect(records[0]).toMatchObject({ type: format.ENTRY_DIRECTORY, dataOffset: statSync(root).ino });
  });

  it.skipIf(!existsSync("/dev/pts/ptmx") || statSync("/dev/pts").dev === statSync("/dev").dev)(
    "does not enter what is mounted below the root",
    () => {
      const paths = Object.keys(byPath("/dev", { overlay: "none" }));
      expect(paths).toContain("pts");
      expect(paths).not.toContain("pts/ptmx");
    },
  );

  it("gives the same bytes on another thread, and leaves the process's working directory alone", async () => {
    const root = tree();
    for (let i = 0; i < 300; i++) writeFileSync(join(root, `file${i}`), "");
    const before = process.cwd();
    const [one, two] = await Promise.all([walkTreeAsync(root), walkTreeAsync(root)]);
    expect(Buffer.compare(one.records, two.records)).toBe(0);
    expect(Buffer.compare(one.records, walkTree(root).records)).toBe(0);
    expect(process.cwd()).toBe(before);
  });

  it("can be cancelled", async () => {
    const cancel = new AbortController();
    const walking = walkTreeAsync("/usr", { signal: cancel.signal });
    cancel.abort();
    await expect(walking).rejects.toMatchObject({ code: "CANCELLED" });
    await expect(walkTreeAsync("/usr", { signal: cancel.signal })).rejects.toMatchObject({ code: "CANCELLED" });
  });
});
