import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { encodeTarHeader, END_OF_ARCHIVE, paddingBytes, treeItems } from "../../../src/kernels/tar-write.ts";
import { ENTRY_DIRECTORY, ENTRY_REGULAR } from "../../../src/layer/format.ts";
import { treeOf } from "../../tools/gantry.ts";
import { buildIndex, type TreeEntry } from "../layer/index-builder.ts";

const BUILDS = ["scalar", "simd"] as const;
const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** The tar of an index whose files are all made of the letter x. */
function tarOf(entries: readonly TreeEntry[], build: "scalar" | "simd" = "simd", merged = true): Buffer {
  const parts: Uint8Array[] = [];
  for (const { headers, data } of treeItems(buildIndex(entries, { merged }), { build })) {
    parts.push(headers.slice());
    if (data !== undefined) parts.push(Buffer.alloc(data.size, "x"), Buffer.alloc(paddingBytes(data.size)));
  }
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

const LONG = `${"a-rather-long-directory-name/".repeat(8)}file`;
const ODD: TreeEntry[] = [
  { path: "dir", type: "dir", mode: 0o1777, uid: 3_000_000_000, gid: 2_097_152, mtime: 1_600_000_000 },
  { path: "dir/exactly-100", type: "file", size: 0, mtime: 5 },
  { path: "dir/name-\xff\xfe", type: "file", size: 700, mode: 0o4755, mtime: [1_600_000_000, 120_000_000] },
  { path: LONG, type: "file", size: 1, mtime: [-5, 500_000_000] },
  { path: "dir/\xc3\xa9t\xc3\xa9", type: "link", target: "caf\xc3\xa9", mtime: -1 },
  { path: "dir/very", type: "link", target: "t".repeat(300), mtime: 1 },
  { path: "dev", type: "char", rdev: [1, 3], mode: 0o666, mtime: 1 },
  { path: "blk", type: "block", rdev: [259, 1_048_575], mtime: 1 },
  { path: "pipe", type: "fifo", mtime: 1 },
  { path: "zz-hard", type: "hardlink", target: LONG },
  {
    path: "x",
    type: "file",
    size: 513,
    mtime: 1,
    xattrs: [
      ["user.b", "two\nlines = \0"],
      ["security.capability", Buffer.from("0100000200240000000000000000000000000000", "hex")],
      ["user.a", ""],
    ],
  },
];

describe.each(BUILDS)("the tar writer (%s)", (build) => {
  it("writes the same bytes for the same entry, in ustar where it can", () => {
    const header = encodeTarHeader(
      { type: ENTRY_REGULAR, path: "a/b", mode: 0o644, size: 10, mtimeSeconds: 1 },
      { build },
    );
    expect(header.length).toBe(512);
    expect(Buffer.from(header).toString("latin1", 0, 3)).toBe("a/b");
    expect(Buffer.from(header).toString("latin1", 257, 265)).toBe("ustar\x0000");
    expect(
      encodeTarHeader({ type: ENTRY_REGULAR, path: "a/b", mode: 0o644, size: 10, mtimeSeconds: 1 }, { build }),
    ).toEqual(header);
    expect(encodeTarHeader({ type: ENTRY_DIRECTORY, path: "a", mode: 0o755 }, { build })[1]).toBe(0x2f);
  });

  it.each([100, 101, 150, 999, 4096])(
    "counts the length field of a pax record right for a path of %i bytes",
    (length) => {
      const path = "p".repeat(length);
      const header = Buffer.from(encodeTarHeader({ type: ENTRY_REGULAR, path, mode: 0o600 }, { build }));
      if (length <= 100) expect(header.length).toBe(512);
      else {
        const end = header.indexOf("\n", 512) + 1;
        expect(Number(header.toString("latin1", 512, header.indexOf(" ", 512)))).toBe(end - 512);
      }
    },
  );

  it.skipIf(!hasPython)("writes what Python reads back, of every type and with every odd attribute", () => {
    const seen = treeOf("tar", tarOf(ODD, build), "--nanoseconds", "--times", "all", "--links").map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    const at = (p: string): Record<string, unknown> | undefined => seen.find((o) => o["p"] === p);
    expect(at("dir")).toMatchObject({ t: "d", mode: 0o1777, u: 3_000_000_000, g: 2_097_152 });
    expect(at("dir/name-\xff\xfe")).toMatchObject({ t: "f", s: 700, mode: 0o4755, m: "1600000000.12" });
    expect(at(LONG)).toMatchObject({ t: "f", s: 1, m: "-4.5" });
    expect(at("dir/\xc3\xa9t\xc3\xa9")).toMatchObject({ t: "l", to: "caf\xc3\xa9", m: "-1" });
    expect(at("dir/very")).toMatchObject({ to: "t".repeat(300) });
    expect(at("dev")).toMatchObject({ t: "c", dev: [1, 3], mode: 0o666 });
    expect(at("pipe")).toMatchObject({ t: "p" });
    expect(at("x")).toMatchObject({
      s: 513,
      x: {
        "user.a": "",
        "user.b": Buffer.from("two\nlines = \0").toString("hex"),
        "security.capability": "0100000200240000000000000000000000000000",
      },
    });
    expect(seen).toContainEqual({ n: [LONG, "zz-hard"] });
  });

  it("keeps whiteouts and opaque directories of a layer that is not merged", () => {
    const tar = tarOf(
      [
        { path: "etc", type: "dir", opaque: true },
        { path: "etc/a", type: "file", size: 1 },
        { path: "etc/gone", type: "whiteout" },
      ],
      build,
      false,
    );
    const names = [0, 512, 1024, 2048].map((at) => tar.toString("latin1", at, tar.indexOf(0, at)));
    expect(names).toEqual(["etc/", "etc/.wh..wh..opq", "etc/a", "etc/.wh.gone"]);
  });

  it("writes a tree of many batches, hard links over their edges, as both builds agree", () => {
    const many: TreeEntry[] = Array.from({ length: 5000 }, (_, n) => ({
      path: `d${n % 70}/${"n".repeat(n % 120)}${n}`,
      type: "file" as const,
      size: n % 3 === 0 ? 0 : (n * 37) % 2000,
      mtime: n,
    }));
    const links: TreeEntry[] = many
      .slice(0, 1500)
      .map((e, n) => ({ path: `links/${n}`, type: "hardlink", target: e.path }));
    const tar = tarOf([...many, ...links], build);
    expect(tar.equals(tarOf([...many, ...links], "scalar"))).toBe(true);
    if (hasPython) {
      const lines = treeOf("tar", tar, "--links");
      expect(lines.filter((line) => line.startsWith('{"n"'))).toHaveLength(1500);
    }
  });
});

it.skipIf(!hasPython)("GNU tar lists what the tar writer wrote without a complaint", () => {
  const { status, stderr, stdout } = spawnSync("tar", ["tvf", "-"], {
    input: tarOf(ODD),
    env: { ...process.env, LC_ALL: "C" },
  });
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
  expect(stdout.toString().trim().split("\n").length).toBe(new Set(ODD.map((e) => e.path)).size + 8);
});

describe("what the tar writer refuses", () => {
  it("a path that no header can hold", () => {
    const long = { type: ENTRY_REGULAR, path: "p".repeat(70_000), mode: 0o644 };
    expect(() => encodeTarHeader(long)).toThrow(expect.objectContaining({ code: "TAR_ENTRY_TOO_LONG" }));
  });

  it("an index that the kernel's memory cannot hold", () => {
    // Never touched, so the machine need not have these bytes.
    const huge = new Uint8Array(2 ** 32 - 2 ** 16);
    expect(() => treeItems(huge).next()).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
  });
});
