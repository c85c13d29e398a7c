import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { artifact } from "../../../src/artifacts/locate.ts";
import { isGantryError } from "../../../src/errors/index.ts";
import { type ErofsImage, writeErofs } from "../../../src/kernels/erofs.ts";
import type { KernelBuild } from "../../../src/kernels/load-kernel.ts";
import { buildIndex, type TreeEntry } from "../layer/index-builder.ts";
import { type ErofsFile, ErofsReader } from "./erofs-reader.ts";

const UUID = Buffer.from("00112233445566778899aabbccddeeff", "hex");
const GIB = 1 << 30;
const built = existsSync(artifact("wasm/erofs.simd.wasm"));

const build = (entries: TreeEntry[], devices: number[] = [GIB], kernel?: KernelBuild): ErofsImage =>
  writeErofs(
    buildIndex(entries, { layers: devices.length, merged: true }),
    devices.map((bytes) => ({ bytes })),
    { uuid: UUID, ...(kernel === undefined ? {} : { build: kernel }) },
  );

/** Every file of an image by path. */
const tree = (image: ErofsImage): Map<string, ErofsFile> => {
  const reader = new ErofsReader(image.bytes);
  const found = new Map<string, ErofsFile>();
  const visit = (nid: number, path: string): void => {
    const file = reader.read(nid);
    found.set(path, file);
    for (const entry of file.entries) {
      if (entry.name !== "." && entry.name !== "..")
        visit(entry.nid, path === "" ? entry.name : `${path}/${entry.name}`);
    }
  };
  visit(reader.superblock.rootNid, "");
  return found;
};
const only = (entry: TreeEntry, devices?: number[]): ErofsFile => tree(build([entry], devices)).get(entry.path)!;
const failure = (action: () => unknown): { code: string; message: string } => {
  try {
    action();
  } catch (error) {
    if (isGantryError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: "none", message: "" };
};

describe.skipIf(!built)(`the EROFS writer${built ? "" : " (skipped: the kernel is not built)"}`, () => {
  it("describes itself in the superblock", () => {
    const index = buildIndex([{ path: "f", type: "file", size: 5, layer: 1 }], { layers: 3, merged: true });
    const tag = "ab".repeat(32);
    const image = writeErofs(index, [{ bytes: 512 }, { bytes: 513, tag }, { bytes: 0 }], { uuid: UUID });
    expect(new ErofsReader(image.bytes).superblock).toEqual({
      blockBits: 9,
      rootNid: 1,
      inodes: 2,
      blocks: image.bytes.length / 512,
      metadataBlock: 3,
      uuid: UUID.toString("hex"),
      incompatible: 4 | 8,
      deviceBlocks: [1, 2, 0],
      deviceTags: ["", tag, ""],
    });
  });

  it("keeps attributes exactly", () => {
    const file = only({
      path: "f",
      type: "file",
      mode: 0o6751,
      uid: 4_294_967_294,
      gid: 70_000,
      mtime: [-5_000_000_000, 999_999_999],
    });
    expect(file).toMatchObject({
      mode: 0o106751,
      uid: 4_294_967_294,
      gid: 70_000,
      mtime: [-5_000_000_000, 999_999_999],
    });
    expect(only({ path: "c", type: "char", rdev: [4095, 1_048_575] }).rdev).toBe(0xffffffff);
    expect(only({ path: "b", type: "block", rdev: [259, 0x12345] }).rdev).toBe((0x123 << 20) | (259 << 8) | 0x45);
    expect(only({ path: "p", type: "fifo", mode: 0o4 }).mode).toBe(0o10004);
    expect(only({ path: "l", type: "link", target: "t", mode: 0 }).mode).toBe(0o120777);
  });

  it("counts links: subdirectories, and names of a file", () => {
    const files = tree(
      build([
        { path: "d/e/f", type: "dir" },
        { path: "d/g", type: "dir" },
        { path: "d/x", type: "file" },
        { path: "y", type: "hardlink", target: "d/x" },
      ]),
    );
    expect([files.get("")!.links, files.get("d")!.links, files.get("d/e/f")!.links]).toEqual([3, 4, 2]);
    expect([files.get("d/x")!.links, files.get("d/x")!.nid]).toEqual([2, files.get("y")!.nid]);
  });

  it("sorts directories by bytes with . and .. among them, and leads .. to the parent", () => {
    const names = ["!", "-", ".-", "..-", "...", ".a", "A", "a", "\x7f", "\x80", "\xff", "a\x01", "aa"];
    const files = tree(build(names.map((name) => ({ path: `d/${name}`, type: "file" }))));
    const { entries } = files.get("d")!;
    const sorted = [".", "..", ...names].sort((a, b) => (a < b ? -1 : 1));
    expect(entries.map((entry) => entry.name)).toEqual(sorted);
    expect(entries.find((entry) => entry.name === "..")!.nid).toBe(files.get("")!.nid);
    expect(entries.find((entry) => entry.name === ".")!.nid).toBe(files.get("d")!.nid);
  });

  it("holds 100,000 names in a directory, and the longest names", () => {
    const entries = Array.from({ length: 100_000 }, (_, i): TreeEntry => ({ path: `d/${i}`, type: "file" }));
    const long = Array.from({ length: 50 }, (_, i): TreeEntry => ({
      path: `l/${"x".repeat(253)}${i + 10}`,
      type: "dir",
    }));
    const image = build([...entries, ...long]);
    const reader = new ErofsReader(image.bytes);
    const child = (file: ErofsFile, name: string): ErofsFile =>
      reader.read(file.entries.find((entry) => entry.name === name)!.nid);
    const root = reader.read(reader.superblock.rootNid);
    expect(child(root, "d").entries.map((e) => e.name)).toEqual([
      ".",
      "..",
      ...entries.map((e) => e.path.slice(2)).sort(),
    ]);
    expect(child(root, "l").entries.map((e) => e.name)).toEqual([
      ".",
      "..",
      ...long.map((e) => e.path.slice(2)).sort(),
    ]);
  });

  it("places every length of link and directory so that no tail crosses a block", () => {
    const entries: TreeEntry[] = [];
    for (let length = 1; length <= 4095; length += length < 1100 ? 1 : 61) {
      const target = "t".repeat(length);
      const xattrs: TreeEntry["xattrs"] = length % 3 === 0 ? [["trusted.x", "v".repeat(length % 41)]] : [];
      entries.push({ path: `l${length}`, type: "link", target, xattrs });
      if (length < 300) entries.push({ path: `d${length}/${"n".repeat(Math.min(length, 255))}`, type: "dir" });
    }
    const files = tree(build(entries));
    for (const entry of entries) if (entry.type === "link") expect(files.get(entry.path)!.target).toBe(entry.target);
  });

  it.each([
    [1, 0, 1],
    [511, 512, 1],
    [512, 1024, 1],
    [513, 512, 2],
    [4096, 512, 1],
    [100_000_000, 5120, 1],
  ])("maps a file of %i bytes at %i in one run", (size, dataOffset, layer) => {
    const devices = [GIB, GIB, GIB];
    const file = only({ path: "f", type: "file", size, dataOffset, layer }, devices);
    expect(file.runs).toEqual([{ device: layer + 1, offset: dataOffset, bytes: size }]);
  });

  it("maps a file above the largest chunk in several, and one that ends at the last block that has an address", () => {
    const size = 1.5 * 2 ** 40;
    const dataOffset = 2 ** 41 - 512 - size;
    const file = only({ path: "f", type: "file", size, dataOffset }, [2 ** 42]);
    expect(file.runs).toEqual([{ device: 1, offset: dataOffset, bytes: size }]);
  });

  it("gives an empty file no map", () => {
    expect(only({ path: "f", type: "file", size: 0 })).toMatchObject({ layout: 0, size: 0, runs: [] });
  });

  it("maps sparse files straight into the tar where extents are whole blocks", () => {
    const extents = [
      { fileOffset: 4096, bytes: 4096 },
      { fileOffset: 65_536, bytes: 512 },
      { fileOffset: 100_352, bytes: 100 },
    ];
    const image = build([{ path: "s", type: "file", size: 100_452, dataOffset: 1536, extents }]);
    expect(image.spillBytes).toBe(0);
    expect(tree(image).get("s")!.runs).toEqual([
      { device: 0, offset: 0, bytes: 4096 },
      { device: 1, offset: 1536, bytes: 4096 },
      { device: 0, offset: 0, bytes: 57_344 },
      { device: 1, offset: 5632, bytes: 512 },
      { device: 0, offset: 0, bytes: 34_304 },
      { device: 1, offset: 6144, bytes: 100 },
    ]);
  });

  it("maps a file that is all hole to nothing", () => {
    const file = only({ path: "s", type: "file", size: 2 ** 45 + 1, extents: [{ fileOffset: 2 ** 45 + 1, bytes: 0 }] });
    expect(file.runs).toEqual([{ device: 0, offset: 0, bytes: 2 ** 45 + 1 }]);
  });

  it("spills exactly the data of sparse files that blocks cannot express", () => {
    // What a reader sees is compared with what it should see, byte by byte, through image, copies and spill file.
    const random = seeded(7);
    for (let round = 0; round < 200; round++) {
      const extents: { fileOffset: number; bytes: number }[] = [];
      let end = 0;
      for (let i = Math.floor(random() * 6); i >= 0; i--) {
        const unit = random() < 0.5 ? 512 : 1;
        const fileOffset = end + Math.floor(random() * 40) * unit;
        const bytes = Math.floor(random() * 40) * unit * (random() < 0.2 ? 16 : 1);
        extents.push({ fileOffset, bytes });
        end = fileOffset + bytes;
      }
      const size = end + (random() < 0.5 ? 0 : Math.floor(random() * 100_000));
      if (size === 0) continue;
      const stored = extents.reduce((sum, extent) => sum + extent.bytes, 0);
      const dataOffset = 512 * Math.floor(random() * 3) + (random() < 0.3 ? 7 : 0);
      const tar = Buffer.from(Array.from({ length: dataOffset + stored + 600 }, () => 1 + Math.floor(random() * 255)));
      const before: TreeEntry = { path: "a", type: "file", size: 3, dataOffset: 1 };
      const entry: TreeEntry = { path: "s", type: "file", size, dataOffset, extents };
      const image = build([before, entry], [tar.length]);
      const spill = Buffer.alloc(image.spillBytes);
      for (const copy of image.copies)
        tar.copy(spill, copy.spillOffset, copy.sourceOffset, copy.sourceOffset + copy.bytes);
      const want = Buffer.alloc(size);
      let from = dataOffset;
      for (const { fileOffset, bytes } of extents) {
        tar.copy(want, fileOffset, from, from + bytes);
        from += bytes;
      }
      const runs = tree(image).get("s")!.runs;
      const seen = runs.map(({ device, offset, bytes }) => {
        const source = device === 1 ? tar : spill;
        return device === 0 ? Buffer.alloc(bytes) : Buffer.from(source.subarray(offset, offset + bytes));
      });
      expect(Buffer.compare(Buffer.concat(seen), want), `round ${round}`).toBe(0);
      // No block of the tar is shown that holds bytes of something else, within the file's size.
      expect(image.spillBytes).toBeLessThanOrEqual(512 + Math.ceil(size / 4096) * 4096);
    }
  });

  it("keeps maps and spill file small however large the holes are", () => {
    const extents = Array.from({ length: 10 }, (_, i) => ({ fileOffset: i * 100_000_000_000 + 1, bytes: 5 }));
    const image = build([{ path: "s", type: "file", size: 2 ** 50, extents }], [512]);
    expect(image.bytes.length).toBeLessThan(32_768);
    expect(image.copies).toHaveLength(10);
  });

  it("carries xattrs of every name space that Linux would show, and no other", () => {
    const big = "v".repeat(65_535);
    const all: TreeEntry["xattrs"] = [
      ["user.u", "1"],
      ["user.", "no name"],
      ["trusted.t", ""],
      ["trusted.overlay.opaque", "y"],
      ["security.capability", "\x01\0\xff"],
      ["system.posix_acl_access", "acl"],
      ["system.posix_acl_default", "acl"],
      ["system.other", "x"],
      ["btrfs.compression", "x"],
      ["trusted.big", big],
      [`user.${"n".repeat(250)}`, "long"],
    ];
    const files = tree(
      build([
        { path: "f", type: "file", xattrs: all },
        { path: "d", type: "dir", xattrs: all },
        { path: "l", type: "link", target: "f", xattrs: all },
        { path: "n", type: "fifo", xattrs: [["user.u", "1"]] },
      ]),
    );
    const everywhere = { "trusted.t": "", "security.capability": "\x01\0\xff", "trusted.big": big };
    const users = { "user.u": "1", [`user.${"n".repeat(250)}`]: "long" };
    expect(files.get("l")!.xattrs).toEqual(everywhere);
    expect(files.get("f")!.xattrs).toEqual({ ...everywhere, ...users, "system.posix_acl_access": "acl" });
    expect(files.get("d")!.xattrs).toEqual({
      ...everywhere,
      ...users,
      "system.posix_acl_access": "acl",
      "system.posix_acl_default": "acl",
    });
    expect(files.get("n")!.xattrs).toEqual({});
  });

  it("gives the same bytes from both builds, and each time", () => {
    const entries = Array.from({ length: 500 }, (_, i): TreeEntry => ({
      path: `${i % 17}/${i}`,
      type: i % 5 === 0 ? "link" : "file",
      target: "x".repeat(i + 1),
      size: i * 100,
      dataOffset: i * 512,
      xattrs: [["user.i", String(i)]],
    }));
    const simd = build(entries, [GIB], "simd");
    expect(Buffer.compare(build(entries, [GIB], "scalar").bytes, simd.bytes)).toBe(0);
    expect(Buffer.compare(build(entries, [GIB], "simd").bytes, simd.bytes)).toBe(0);
  });

  it.each<[string, TreeEntry, string]>([
    ["a file above 1 PiB", { path: "f", type: "file", size: 2 ** 50 + 1, extents: [] }, "1 PiB"],
    [
      "an xattr of 65,536 bytes",
      { path: "f", type: "file", xattrs: [["user.x", Buffer.alloc(65_536)]] },
      "65535 bytes",
    ],
    ["a major number above 12 bits", { path: "f", type: "char", rdev: [4096, 0] }, "4095:1048575"],
    ["a minor number above 20 bits", { path: "f", type: "block", rdev: [0, 1_048_576] }, "4095:1048575"],
    ["data beyond 2 TiB", { path: "f", type: "file", size: 2 ** 40, dataOffset: 2 ** 40 }, "2 TiB"],
  ])("refuses %s, naming the file", (_, entry, reason) => {
    const { code, message } = failure(() => build([{ ...entry, path: "dir/f" }], [2 ** 60]));
    expect(code).toBe("EROFS_UNREPRESENTABLE");
    expect(message).toContain('"/dir/f"');
    expect(message).toContain(reason);
  });

  it.each<[string, TreeEntry]>([
    ["data outside of its layer", { path: "f", type: "file", size: 1025, dataOffset: 512 }],
    ["an offset outside of its layer", { path: "f", type: "file", size: 1, dataOffset: 2 ** 52 }],
    ["a layer that there is not", { path: "f", type: "file", size: 1, layer: 1 }],
    ["extents beyond the end", { path: "f", type: "file", size: 9, extents: [{ fileOffset: 8, bytes: 2 }] }],
    [
      "extents that overlap",
      {
        path: "f",
        type: "file",
        size: 99,
        extents: [
          { fileOffset: 0, bytes: 9 },
          { fileOffset: 8, bytes: 2 },
        ],
      },
    ],
    ["an empty link", { path: "f", type: "link", target: "" }],
    ["a link with a NUL", { path: "f", type: "link", target: "a\0b" }],
    ["a link of 4096 bytes", { path: "f", type: "link", target: "x".repeat(4096) }],
    ["a name with a NUL", { path: "a\0b", type: "file" }],
    ["a name of a dot", { path: ".", type: "file" }],
    ["a name of two dots", { path: "..", type: "file" }],
    ["a name of 256 bytes", { path: "n".repeat(256), type: "file" }],
    ["a whiteout", { path: "w", type: "whiteout" }],
  ])("refuses an index with %s", (_, entry) => {
    expect(failure(() => build([entry], [1536])).code).toBe("LAYER_INDEX_INVALID");
  });

  it("refuses what is not a merged index of as many layers as there are devices", () => {
    const plain = buildIndex([], { layers: 1 });
    expect(failure(() => writeErofs(plain, [{ bytes: 0 }], { uuid: UUID })).code).toBe("LAYER_INDEX_INVALID");
    const merged = buildIndex([], { layers: 2, merged: true });
    expect(failure(() => writeErofs(merged, [{ bytes: 0 }], { uuid: UUID })).code).toBe("LAYER_INDEX_INVALID");
    const empty = new Uint8Array(0);
    expect(failure(() => writeErofs(empty, [], { uuid: UUID })).code).toBe("LAYER_INDEX_INVALID");
  });

  it("ends with an image or a clear error whatever bytes an index has", () => {
    const index = buildIndex(
      [
        { path: "a/b/c", type: "file", size: 700, dataOffset: 512, xattrs: [["user.a", "b"]] },
        {
          path: "a/s",
          type: "file",
          size: 9000,
          extents: [
            { fileOffset: 4096, bytes: 512 },
            { fileOffset: 8999, bytes: 1 },
          ],
        },
        { path: "a/l", type: "link", target: "b" },
        { path: "h", type: "hardlink", target: "a/b/c" },
      ],
      { merged: true },
    );
    const random = seeded(42);
    const codes = new Set<string>();
    for (let round = 0; round < 3000; round++) {
      const damaged = Buffer.from(index);
      for (let i = 1 + Math.floor(random() * 3); i > 0; i--) {
        const at = 12 + Math.floor(random() * (damaged.length - 12));
        damaged[at] = random() < 0.5 ? Math.floor(random() * 256) : (damaged[at]! + (random() < 0.5 ? 1 : 255)) & 255;
      }
      codes.add(failure(() => writeErofs(damaged, [{ bytes: 100_000 }], { uuid: UUID })).code);
    }
    expect([...codes].sort()).toEqual(["EROFS_UNREPRESENTABLE", "LAYER_INDEX_INVALID", "none"]);
  });
});

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
