import { describe, expect, it } from "vitest";
import { isGantryError } from "../../../src/errors/index.ts";
import { LayerIndex } from "../../../src/layer/layer-index.ts";
import { lookup, resolvePath } from "../../../src/layer/resolve-path.ts";
import { buildIndex, type TreeEntry } from "./index-builder.ts";

const open = (entries: TreeEntry[], options = {}): LayerIndex => new LayerIndex(buildIndex(entries, options));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (isGantryError(error)) return error.code;
    throw error;
  }
  return "none";
};

describe("a layer index", () => {
  const bytes = buildIndex(
    [
      { path: "", type: "dir", mode: 0o700, uid: 7 },
      {
        path: "etc/passwd",
        type: "file",
        mode: 0o4640,
        uid: 4_000_000_000,
        gid: 3,
        mtime: [-86_401, 999_999_999],
        size: 5_000_000_000_000,
        dataOffset: 9_007_199_254_740_991 - 511,
        layer: 2,
        xattrs: [
          ["user.a", "one"],
          ["security.capability", Buffer.from([0, 255, 1])],
        ],
      },
      { path: "etc/shadow", type: "hardlink", target: "etc/passwd" },
      { path: "etc/zero\xff", type: "char", rdev: [1, 5] },
      { path: "lib", type: "link", target: "usr/lib" },
      { path: "gone", type: "whiteout" },
      { path: "opaque", type: "dir", opaque: true },
      {
        path: "sparse",
        type: "file",
        size: 1_099_511_627_776,
        extents: [
          { fileOffset: 4096, bytes: 512 },
          { fileOffset: 1_099_511_627_000, bytes: 776 },
        ],
      },
    ],
    { layers: 3 },
  );

  // A view at an odd offset: nothing may rely on alignment.
  const shifted = Buffer.concat([Buffer.from([1]), bytes]).subarray(1);
  const index = new LayerIndex(shifted);

  it("gives back every attribute exactly", () => {
    const inode = index.inodeOf(lookup(index, "etc/passwd")!)!;
    expect([index.modeOf(inode), index.uidOf(inode), index.gidOf(inode)]).toEqual([0o4640, 4_000_000_000, 3]);
    expect([index.mtimeSecondsOf(inode), index.mtimeNanosecondsOf(inode)]).toEqual([-86_401, 999_999_999]);
    expect([index.sizeOf(inode), index.dataOffsetOf(inode)]).toEqual([5_000_000_000_000, 9_007_199_254_740_480]);
    expect([index.layerOf(inode), index.linkCountOf(inode), index.layerCount]).toEqual([2, 2, 3]);
    expect(index.xattrsOf(inode).map(({ name, value }) => [text(name), text(value)])).toEqual([
      ["user.a", "one"],
      ["security.capability", "\0\xff\x01"],
    ]);
    expect(index.inodeOf(lookup(index, "etc/shadow")!)).toBe(inode);
    expect(text(index.pathOf(index.firstNodeOf(inode)))).toBe("etc/passwd");
    const device = index.inodeOf(lookup(index, Buffer.from("etc/zero\xff", "latin1"))!)!;
    expect([index.rdevMajorOf(device), index.rdevMinorOf(device)]).toEqual([1, 5]);
    expect(index.extentsOf(index.inodeOf(lookup(index, "sparse")!)!)).toEqual([
      { fileOffset: 4096, bytes: 512 },
      { fileOffset: 1_099_511_627_000, bytes: 776 },
    ]);
    expect([index.modeOf(0), index.uidOf(0), index.merged]).toEqual([0o700, 7, false]);
  });

  it("knows whiteouts and opaque directories", () => {
    const gone = lookup(index, "gone")!;
    expect([index.isWhiteout(gone), index.inodeOf(gone)]).toEqual([true, undefined]);
    expect(index.isOpaque(lookup(index, "opaque")!)).toBe(true);
  });

  it("is walked depth first, directories before their children, in bytewise order", () => {
    const paths = [...index.walk()].map((node) => text(index.pathOf(node)));
    const expected = ["", "etc", "etc/passwd", "etc/shadow", "etc/zero\xff", "gone", "lib", "opaque", "sparse"];
    expect(paths).toEqual(expected);
    expect([...index.walk(lookup(index, "etc"))]).toHaveLength(4);
  });

  it("finds each of many names and none that is not there", () => {
    const names = Array.from({ length: 3000 }, (_, i) => `d/${(i * 7919).toString(36)}\x80${i % 3}`);
    const many = open(names.map((path) => ({ path, type: "file" })));
    for (const path of names) {
      const bytes = Buffer.from(path, "latin1");
      expect(text(many.pathOf(lookup(many, bytes)!))).toBe(path);
      expect(lookup(many, Buffer.concat([bytes, Buffer.from("x")]))).toBeUndefined();
    }
  });

  it.each([
    ["is empty", (b: Buffer) => b.subarray(0, 0)],
    ["has another magic", (b: Buffer) => (b.write("X"), b)],
    ["has another version", (b: Buffer) => (b.writeUInt32LE(2, 8), b)],
    ["is cut", (b: Buffer) => b.subarray(0, -1)],
    ["has a table outside of it", (b: Buffer) => (b.writeUInt32LE(1_000_000, 16), b)],
    ["has no node", (b: Buffer) => (b.writeUInt32LE(0, 16), b)],
  ])("is refused if it %s", (_, damage) => {
    expect(codeOf(() => new LayerIndex(damage(Buffer.from(bytes))))).toBe("LAYER_INDEX_INVALID");
  });

  it("refuses references that lead out of its tables", () => {
    expect(codeOf(() => index.nameOf(index.nodeCount))).toBe("LAYER_INDEX_INVALID");
    expect(codeOf(() => index.modeOf(index.inodeCount))).toBe("LAYER_INDEX_INVALID");
    const damaged = Buffer.from(bytes);
    damaged.writeUInt32LE(0, 96 + 12); // the root's first child is the root
    expect(codeOf(() => [...new LayerIndex(damaged).walk()])).toBe("LAYER_INDEX_INVALID");
  });
});

describe("resolving a path in an image", () => {
  const index = open([
    { path: "usr/lib/x", type: "file" },
    { path: "lib", type: "link", target: "usr/lib" },
    { path: "abs", type: "link", target: "/lib/../lib" },
    { path: "usr/up", type: "link", target: "../../../../usr/lib/x" },
    { path: "loop", type: "link", target: "loop2" },
    { path: "loop2", type: "link", target: "./loop" },
    { path: "dangling", type: "link", target: "nowhere" },
    { path: "gone", type: "whiteout" },
  ]);
  const resolve = (path: string, options = {}): string | undefined => {
    const node = resolvePath(index, path, options);
    return node === undefined ? undefined : text(index.pathOf(node));
  };

  it("follows links as a process with the image as its root would", () => {
    expect(resolve("/lib/x")).toBe("usr/lib/x");
    expect(resolve("abs/./x")).toBe("usr/lib/x");
    expect(resolve("usr/up")).toBe("usr/lib/x");
    expect(resolve("../..//lib")).toBe("usr/lib");
    expect(resolve("/")).toBe("");
  });

  it("keeps the last link if asked to", () => {
    expect(resolve("lib", { followLast: false })).toBe("lib");
    expect(resolve("abs/x", { followLast: false })).toBe("usr/lib/x");
  });

  it("finds nothing behind files, whiteouts and dangling links", () => {
    for (const path of ["usr/lib/x/y", "usr/lib/x/..", "gone", "dangling", "none/.."])
      expect(resolve(path)).toBeUndefined();
  });

  it("gives up on loops", () => {
    expect(codeOf(() => resolve("loop"))).toBe("PATH_SYMLINK_LOOP");
  });

  it("is not what lookup does", () => {
    expect(lookup(index, "lib/x")).toBeUndefined();
    expect(text(index.pathOf(lookup(index, "./lib/")!))).toBe("lib");
  });
});
