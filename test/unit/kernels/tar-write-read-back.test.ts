import { spawnSync } from "node:child_process";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { encodeTarHeader, END_OF_ARCHIVE, paddingBytes } from "../../../src/kernels/tar-write.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { decodeRecords, type EntryRecord, record } from "../../oracles/entry-records.ts";
import { Random } from "../../oracles/random.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** The entry of a record, written by the tar writer. */
function written(r: EntryRecord, build: "scalar" | "simd"): Buffer {
  const header = encodeTarHeader(
    {
      type: r.type,
      path: latin1(r.path),
      mode: r.mode,
      uid: r.uid,
      gid: r.gid,
      size: r.size,
      mtimeSeconds: r.mtime[0],
      mtimeNanoseconds: r.mtime[1],
      linkTarget: latin1(r.link),
      rdevMajor: r.rdev[0],
      rdevMinor: r.rdev[1],
      xattrs: r.xattrs.map(([name, value]) => [latin1(name), latin1(value)]),
    },
    { build },
  );
  return Buffer.concat([header, Buffer.alloc(r.size), Buffer.alloc(paddingBytes(r.size))]);
}

const NAMES = [
  "a",
  "name",
  "caf\xc3\xa9",
  "\xff\xfe",
  "x".repeat(99),
  "y".repeat(100),
  "z".repeat(101),
  "with space",
  "a\nb",
];

function randomRecord(random: Random): EntryRecord {
  const type = random.below(7);
  const components = Array.from({ length: 1 + random.below(6) }, () => random.pick(NAMES));
  const isDevice = type === 3 || type === 4;
  const xattrs = ["user.a", "user.b=c", "user.%3D", "user.100%", "security.capability"].filter(() => random.chance(10));
  return record(type, components.join("/") + (type === 5 ? "/" : ""), {
    mode: random.below(0o10000),
    uid: random.pick([0, 1000, 0o7777777, 0o10000000, 0xffffffff]),
    gid: random.pick([0, 0o7777777, 0o10000000, 0xffffffff]),
    size: type === 0 ? random.below(1500) : 0,
    mtime: [
      random.pick([0, -1, 1.7e9, 0o77777777777, 0o100000000000, -(2 ** 40)]),
      random.pick([0, 1, 500_000_000, 999_999_999]),
    ],
    link: type === 1 || type === 2 ? random.pick(NAMES) : "",
    rdev: isDevice ? [random.pick([1, 255, 0xfff]), random.pick([0, 0xfffff])] : [0, 0],
    // A list in the order of its names is what the reader gives.
    xattrs: type === 1 ? [] : xattrs.sort().map((name) => [name, `v\0\n=${name}`]),
  });
}

describe.each(["scalar", "simd"] as const)("the tar writer (%s)", (build) => {
  it("writes what the tar scanner reads back unchanged", () => {
    const random = new Random(7);
    const records = Array.from({ length: 1500 }, () => randomRecord(random));
    const scanner = new TarScanner({}, { build });
    for (const r of records) scanner.push(written(r, build));
    scanner.push(END_OF_ARCHIVE);
    const back = decodeRecords(scanner.finish().records);
    expect(back.map((r) => ({ ...r, dataOffset: 0 }))).toEqual(records);
  });

  it("uses one block where ustar holds everything, a prefix included", () => {
    const size = (path: string, rest: Partial<EntryRecord> = {}): number =>
      written(record(2, path, { link: "t", ...rest }), build).length;
    expect(size("n".repeat(100))).toBe(512);
    expect(size("n".repeat(101))).toBe(1536);
    expect(size(`${"p".repeat(155)}/${"n".repeat(100)}`)).toBe(512);
    expect(size(`${"p".repeat(156)}/${"n".repeat(99)}`)).toBe(1536);
    expect(size(`p/${"n".repeat(101)}`)).toBe(1536);
    expect(size("a", { link: "t".repeat(100), uid: 0o7777777, mtime: [0o77777777777, 0] })).toBe(512);
    expect(size("a", { mtime: [1, 1] })).toBe(1536);
    expect(size("é")).toBe(1536);
  });

  it("holds thousands of tiny attributes", () => {
    const xattrs = Array.from({ length: 4000 }, (_, i): [string, string] => [`u.${String(i).padStart(4, "0")}`, ""]);
    const r = record(0, "a", { xattrs });
    const scanner = new TarScanner({}, { build });
    scanner.push(written(r, build));
    expect(decodeRecords(scanner.finish().records)[0]?.xattrs).toEqual(xattrs);
  });
});

it("tar-stream reads what the tar writer wrote", async () => {
  const records = [
    record(5, "d/", { mode: 0o1777, uid: 2_000_000, mtime: [5, 0] }),
    record(0, `${"long/".repeat(60)}caf\xc3\xa9`, { size: 700, mode: 0o4755 }),
    record(2, "l", { link: "t".repeat(150) }),
  ];
  const reader = extract();
  reader.end(Buffer.concat([...records.map((r) => written(r, "simd")), END_OF_ARCHIVE]));
  const seen: unknown[] = [];
  for await (const entry of reader) {
    entry.resume();
    const { name, type, size, mode, uid, linkname } = entry.header;
    seen.push([name, type, size, mode, uid, linkname]);
  }
  expect(seen).toEqual([
    ["d/", "directory", 0, 0o1777, 2_000_000, null],
    [`${"long/".repeat(60)}café`, "file", 700, 0o4755, 0, null],
    ["l", "symlink", 0, 0o644, 0, "t".repeat(150)],
  ]);
});

it.skipIf(spawnSync("bsdtar", ["--version"]).status !== 0)(
  "libarchive lists long names and names in UTF-8 without a complaint",
  () => {
    const names = ["plain", "caf\xc3\xa9", `${"n".repeat(120)}/${"m".repeat(120)}`];
    const input = Buffer.concat([...names.map((name) => written(record(0, name), "simd")), END_OF_ARCHIVE]);
    const { status, stdout } = spawnSync("bsdtar", ["-tf", "-"], { input, env: { ...process.env, LC_ALL: "C.UTF-8" } });
    expect({ status, lines: stdout.toString().trim().split("\n").length }).toEqual({ status: 0, lines: names.length });
  },
);
