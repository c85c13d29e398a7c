import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { isGantryError } from "../../../src/errors/index.ts";
import { buildLayerIndex, mergeChain, mergeLayerIndexes } from "../../../src/kernels/layer.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { decodeIndex, type IndexEntry } from "../../oracles/decode-index.ts";
import { encodeRecords, type EntryRecord, record } from "../../oracles/entry-records.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../../shared/fixtures");

function build(...records: EntryRecord[]): Uint8Array {
  return buildLayerIndex(encodeRecords(records));
}

function at(index: Uint8Array, path: string): IndexEntry | undefined {
  return decodeIndex(index).entries.find((e) => e.path === path);
}

function paths(index: Uint8Array): string[] {
  return decodeIndex(index).entries.map(({ path }) => path);
}

function codeOf(call: () => unknown): [string, string] {
  try {
    call();
  } catch (error) {
    if (isGantryError(error)) return [error.code, error.message];
    throw error;
  }
  return ["", ""];
}

describe("a layer's index", () => {
  it("of nothing is an implied root", () => {
    const { entries, merged, layerCount } = decodeIndex(build());
    expect({ merged, layerCount }).toEqual({ merged: false, layerCount: 1 });
    expect(entries).toMatchObject([{ path: "", implied: true, inode: { type: 5, mode: 0o755, linkCount: 2 } }]);
  });

  it("is the same bytes for the same tree, whatever the order of its entries", () => {
    const records = [record(5, "d/"), record(0, "d/f", { size: 3 }), record(2, "l", { link: "d/f" }), record(0, "e")];
    const shuffled = [records[3]!, records[2]!, records[0]!, records[1]!];
    expect(Buffer.compare(build(...records), build(...shuffled))).toBe(0);
  });

  it("strips what GNU tar strips from names", () => {
    expect(paths(build(record(0, "/abs"), record(0, "./rel"), record(0, ".//a/./b//c")))).toEqual([
      "",
      "a",
      "abs",
      "rel",
      "a/b",
      "a/b/c",
    ]);
  });

  it("shares an inode among hard links, whatever becomes of the first name", () => {
    const index = build(
      record(0, "a", { size: 5 }),
      record(1, "b", { link: "./a" }),
      record(1, "c", { link: "/b" }),
      record(0, "a", { size: 9 }),
    );
    expect(at(index, "b")?.inode).toMatchObject({ names: ["b", "c"], linkCount: 2, size: 5 });
    expect(at(index, "a")?.inode).toMatchObject({ linkCount: 1, size: 9 });
  });

  it("shares an inode among the names that a walk found", () => {
    const walked = { linkCount: 3, dataOffset: 77, size: 4 };
    const index = build(
      record(0, "a", walked),
      record(0, "d/b", walked),
      record(0, "c", { ...walked, dataOffset: 78 }),
    );
    expect(at(index, "a")?.inode?.names).toEqual(["a", "d/b"]);
    expect(at(index, "c")?.inode?.names).toEqual(["c"]);
  });

  it("takes whiteouts and opaque marks from names, from a walk and from overlayfs's devices", () => {
    const index = build(
      record(0, ".wh.gone"),
      record(0, "d/.wh..wh..opq"),
      record(3, "w", { flags: 1 }),
      record(5, "o", { flags: 2 }),
      record(3, "zero", { rdev: [0, 0] }),
      record(3, "one", { rdev: [1, 0] }),
    );
    const flags = decodeIndex(index).entries.map((e) => [e.path, e.whiteout, e.opaque, e.implied]);
    expect(flags).toEqual([
      ["", false, false, true],
      ["d", false, true, true],
      ["gone", true, false, false],
      ["o", false, true, false],
      ["one", false, false, false],
      ["w", true, false, false],
      ["zero", true, false, false],
    ]);
  });

  it("leaves out what aufs kept for itself, but for the links into it", () => {
    const index = build(
      record(0, ".wh..wh.plnk/1.2", { size: 6 }),
      record(0, ".wh..wh.aufs"),
      record(1, "f", { link: ".wh..wh.plnk/1.2" }),
    );
    expect(paths(index)).toEqual(["", "f"]);
    expect(at(index, "f")?.inode).toMatchObject({ size: 6, linkCount: 1 });
  });

  it("drops overlayfs's own attributes, which would redirect and hide", () => {
    const xattrs: [string, string][] = [
      ["trusted.overlay.redirect", "/etc"],
      ["user.a", "1"],
      ["trusted.overlay.opaque", "y"],
    ];
    expect(at(build(record(5, "d", { xattrs })), "d")?.inode?.xattrs).toEqual([["user.a", "1"]]);
  });

  it("keeps names of 255 bytes and paths of thousands", () => {
    const deep = Array.from({ length: 2000 }, () => "d").join("/");
    const name = "n".repeat(255);
    expect(paths(build(record(0, `${deep}/${name}`))).at(-1)).toBe(`${deep}/${name}`);
  });

  it.each([
    [[record(0, "../../x")], "LAYER_PATH_ESCAPES", '"../../x" into the layer: it leads out'],
    [[record(0, "a/../b")], "LAYER_PATH_ESCAPES", '"a/../b"'],
    [[record(0, "d/.wh...")], "LAYER_PATH_ESCAPES", '"d/.wh..."'],
    [[record(1, "l", { link: "../etc/passwd" })], "LAYER_PATH_ESCAPES", '"l"'],
    [
      [record(2, "s", { link: "/etc" }), record(0, "s/passwd")],
      "LAYER_PATH_THROUGH_NON_DIRECTORY",
      '"s/passwd" into the layer: it leads through the symbolic link "s", which leads to no directory',
    ],
    [
      [record(5, "d"), record(2, "d/a", { link: "a" }), record(0, "d/a/x")],
      "LAYER_PATH_THROUGH_NON_DIRECTORY",
      'through "d/a", and so through more than 40 symbolic links',
    ],
    [
      [record(5, "d"), record(2, "s", { link: "./".repeat(2048) + "d" }), record(0, "s/x")],
      "LAYER_PATH_THROUGH_NON_DIRECTORY",
      "or 4096 bytes",
    ],
    [
      [record(5, "d"), record(2, "d/s", { link: "." }), record(0, "d/s/s")],
      "LAYER_PATH_THROUGH_NON_DIRECTORY",
      "what its own path leads through",
    ],
    [
      [record(5, "d"), record(2, "s", { link: "d" }), record(1, "l", { link: "s/f" })],
      "LAYER_LINK_TARGET_MISSING",
      'this layer has no "s/f" by then',
    ],
    [
      [record(5, ".wh..wh.plnk"), record(2, "s", { link: ".wh..wh.plnk" }), record(0, "s/x")],
      "LAYER_PATH_THROUGH_NON_DIRECTORY",
      '"s/x"',
    ],
    [[record(2, "s", { link: "" }), record(0, "s/x")], "LAYER_PATH_THROUGH_NON_DIRECTORY", '"s/x"'],
    [[record(5, "d"), record(2, "s", { link: "d" }), record(0, "s/../x")], "LAYER_PATH_ESCAPES", '"s/../x"'],
    [[record(5, "d"), record(2, "s", { link: "d" }), record(0, "s/.wh.x/y")], "LAYER_INVALID", "not a usable whiteout"],
    [
      [record(5, "d"), record(2, "s", { link: "d" }), record(0, "s/f"), record(0, "s/f/x")],
      "LAYER_PATH_THROUGH_NON_DIRECTORY",
      'through "s/f", which is not',
    ],
    [[record(0, "f"), record(0, "f/.wh.x")], "LAYER_PATH_THROUGH_NON_DIRECTORY", '"f/.wh.x"'],
    [[record(0, "f"), record(1, "l", { link: "f/x" })], "LAYER_PATH_THROUGH_NON_DIRECTORY", '"l"'],
    [[record(5, "d"), record(1, "l", { link: "d" })], "LAYER_LINK_TO_DIRECTORY", 'hard-link "l" to "d"'],
    [[record(1, "l", { link: "/" })], "LAYER_LINK_TO_DIRECTORY", 'hard-link "l"'],
    [[record(1, "l")], "LAYER_INVALID", "no target"],
    [[record(0, ".wh.")], "LAYER_INVALID", "not a usable whiteout"],
    [[record(0, ".wh.d/x")], "LAYER_INVALID", "not a usable whiteout"],
    [[record(0, "n".repeat(256))], "LAYER_INVALID", "longer than 255 bytes"],
    [[record(0, "a\0b")], "LAYER_INVALID", "NUL"],
    [[record(2, "./", { link: "x" })], "LAYER_INVALID", "the root can only be a directory"],
  ] as [EntryRecord[], string, string][])("is refused: %j", (records, code, message) => {
    const [actual, text] = codeOf(() => build(...records));
    expect(actual).toBe(code);
    expect(text).toContain(message);
  });

  it("has what leads through its symbolic links where they led at that moment", () => {
    const index = build(
      ...[record(5, "t"), record(5, "u"), record(2, "a", { link: "/t" }), record(2, "b", { link: "a/../t/." })],
      ...[record(0, "a/1"), record(0, "b/1", { size: 5 }), record(0, "b/x/y/2"), record(5, "a/x", { mode: 0o700 })],
      ...[record(2, "a", { link: "u" }), record(0, "a/1"), record(1, "b2", { link: "b/x" + "/y/2" })],
    );
    expect(paths(index)).toEqual(["", "a", "b", "b2", "t", "u", "t/1", "t/x", "u/1", "t/x/y", "t/x/y/2"]);
  });

  it("of 100,000 entries, each through the longest chain of links there may be, is made in reasonable time", () => {
    const links = Array.from({ length: 40 }, (_, n) =>
      record(2, `l${n}`, { link: n === 0 ? "./".repeat(200) : `l${n - 1}` }),
    );
    const entries = Array.from({ length: 50_000 }, (_, n) => [
      record(0, `l39/f${n}`),
      record(1, `l${38 - (n % 2)}/g${n}`, { link: `l39/f${n}` }),
    ]).flat();
    const records = encodeRecords([...links, ...entries]);
    const start = performance.now();
    const index = buildLayerIndex(records);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(Buffer.from(index).readUInt32LE(16)).toBe(100_041);
  });

  it("of records that are cut off is a bug, and says so", () => {
    const bytes = encodeRecords([record(0, "a-name-of-some-length")]);
    expect(codeOf(() => buildLayerIndex(bytes.subarray(0, 96)))[0]).toBe("INTERNAL");
  });
});

describe("a chain's index", () => {
  it("of no layers is an empty root", () => {
    expect(decodeIndex(mergeChain([]))).toMatchObject({
      merged: true,
      entries: [{ path: "", inode: { mode: 0o755 } }],
    });
  });

  it("has the root of the topmost layer that has one", () => {
    const layers = [
      build(record(5, "./", { mode: 0o711 })),
      build(record(5, ".", { mode: 0o700 })),
      build(record(0, "f")),
    ];
    expect(decodeIndex(mergeChain(layers)).entries[0]?.inode).toMatchObject({ mode: 0o700, layer: 1 });
  });

  it("follows hard links across layers, renames and replacements", () => {
    const bottom = build(record(0, "a", { size: 5 }), record(0, "b", { size: 6 }));
    const middle = build(
      record(0, ".wh.a"),
      record(1, "renamed", { link: "a" }),
      record(1, "twin", { link: "renamed" }),
    );
    const top = build(record(1, "d/third", { link: "twin" }), record(0, "b", { size: 7 }));
    const index = mergeChain([bottom, middle, top]);
    expect(paths(index)).toEqual(["", "b", "d", "renamed", "twin", "d/third"]);
    expect(at(index, "d/third")?.inode).toMatchObject({
      names: ["d/third", "renamed", "twin"],
      layer: 0,
      size: 5,
      linkCount: 3,
    });
  });

  it("follows no symbolic link of a lower layer: a directory takes its place", () => {
    const bottom = build(record(5, "usr/lib"), record(2, "lib", { link: "usr/lib" }));
    const index = mergeChain([bottom, build(record(0, "lib/f"))]);
    expect(paths(index)).toEqual(["", "lib", "usr", "lib/f", "usr/lib"]);
    expect(at(index, "lib")?.inode).toMatchObject({ type: 5, mode: 0o755 });
  });

  it("is refused where a link leads nowhere, also if a layer above hides it", () => {
    const bottom = build(record(5, "d"), record(2, "s", { link: "d" }));
    const link = (target: string): Uint8Array => build(record(1, "some/link", { link: target }));
    expect(codeOf(() => mergeChain([link("x")]))).toEqual([
      "LAYER_LINK_TARGET_MISSING",
      'cannot hard-link "some/link" to "x", as layer 0 wants: neither it nor a layer below has such a file',
    ]);
    expect(codeOf(() => mergeChain([bottom, link("d"), build(record(0, ".wh.some"))]))[0]).toBe(
      "LAYER_LINK_TO_DIRECTORY",
    );
    expect(codeOf(() => mergeLayerIndexes(bottom, link("s/x")))[0]).toBe("LAYER_LINK_TARGET_MISSING");
    expect(codeOf(() => mergeLayerIndexes(bottom, link("s")))[0]).toBe("");
  });

  it("is refused of what is no layer index", () => {
    const index = build(record(0, "a"));
    const damaged = (edit: (b: Buffer) => void): Buffer => {
      const copy = Buffer.from(index);
      edit(copy);
      return copy;
    };
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(96),
      index.subarray(0, -8),
      damaged((b) => b.writeUInt32LE(2, 8)),
      damaged((b) => b.writeUInt32LE(9, 16)),
      damaged((b) => b.writeUInt32LE(7, 96 + 8)),
      damaged((b) => b.writeUInt32LE(0, 96 + 12)),
      damaged((b) => b.writeUInt32LE(99, 96 + 24)),
      damaged((b) => b.writeUInt32LE(99, 96 + 48 + 96 + 76)),
    ]) {
      expect(codeOf(() => mergeChain([index, bytes]))).toEqual([
        "LAYER_INDEX_INVALID",
        "the index of layer 1 is damaged, or not a layer index",
      ]);
    }
  });

  it("of 300 layers and of 100,000 files is made in reasonable time", () => {
    const many = Array.from({ length: 100_000 }, (_, i) =>
      record(0, `usr/${i % 100}/${(i * 7919) % 1000}/file-${i}`, { size: 1 }),
    );
    const chain = [build(...many)];
    for (let i = 0; i < 300; i++)
      chain.push(build(record(0, `usr/${i % 100}/.wh.${(i * 7919) % 1000}`), record(0, `new/${i}`)));
    const start = performance.now();
    const merged = mergeChain(chain);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(Buffer.from(merged).readUInt32LE(24)).toBe(301);
  });
});

/** The members of a docker-archive that its manifest names, by image. */
async function layersOf(archive: string): Promise<Buffer[]> {
  const bytes = readFileSync(resolve(FIXTURES, archive));
  const members = new Map<string, Buffer>();
  const reader = extract();
  reader.end(archive.endsWith(".gz") ? gunzipSync(bytes) : bytes);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    members.set(entry.header.name, Buffer.concat(chunks));
  }
  const [image] = JSON.parse(members.get("manifest.json")!.toString()) as { Layers: string[] }[];
  return image!.Layers.map((name) => members.get(name)!);
}

interface TreeLine {
  p: string;
  t: "d" | "f" | "l" | "c" | "b" | "p";
  mode?: number;
  u: number;
  g: number;
  s?: number;
  m?: number;
  h?: string;
  to?: string;
  dev?: [number, number];
  x?: Record<string, string>;
}

describe.skipIf(!existsSync(FIXTURES))("the merged index of an image", () => {
  it.each([
    ["busybox-docker20.tar", "busybox"],
    ["odd-docker20.tar", "odd"],
  ])("%s is the tree that docker export showed", async (archive, tree) => {
    const layers = await layersOf(archive);
    const indexes = layers.map((tar) => {
      const scanner = new TarScanner();
      scanner.push(tar);
      return buildLayerIndex(scanner.finish().records);
    });
    const expected = readFileSync(resolve(FIXTURES, `${tree}.tree.jsonl`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as TreeLine);
    // Of these, docker export shows what the engine made.
    const known = new Set(expected.map(({ p }) => p));
    const { entries } = decodeIndex(mergeChain(indexes));
    const found = entries
      .filter(({ path }) => path !== "" && (known.has(path) || !/^(dev|proc|sys|etc)(\/|$)/.test(path)))
      .map(({ path, inode }): TreeLine => {
        const i = inode!;
        const line: TreeLine = {
          p: path,
          t: (["f", "?", "l", "c", "b", "d", "p"] as const)[i.type] as TreeLine["t"],
          u: i.uid,
          g: i.gid,
        };
        if (i.type !== 2) line.mode = i.mode;
        if (i.type === 2) line.to = i.link;
        if (i.type === 3 || i.type === 4) line.dev = i.rdev;
        if (i.xattrs.length > 0)
          line.x = Object.fromEntries(i.xattrs.map(([k, v]) => [k, Buffer.from(v, "latin1").toString("hex")]));
        if (i.type !== 0) return line;
        const data = layers[i.layer]!.subarray(i.dataOffset, i.dataOffset + i.size);
        return { ...line, s: i.size, m: i.mtime[0], h: createHash("sha256").update(data).digest("hex") };
      });
    const byPath = (a: TreeLine, b: TreeLine): number => (a.p < b.p ? -1 : 1);
    expect(found.sort(byPath)).toEqual(expected.sort(byPath));
  });
});
