import { describe, expect, it } from "vitest";
import type { ArchiveLimits } from "../../../src/kernels/archive-limits.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { decodeRecords, type EntryRecord, record } from "../../oracles/entry-records.ts";
import { Random } from "../../oracles/random.ts";
import { base256, blocks, END, file, header, oldSparseMap, pax, tar } from "../../oracles/tar-blocks.ts";

const BUILDS = ["scalar", "simd"] as const;
type Build = (typeof BUILDS)[number];

function scan(bytes: Buffer, build: Build, limits: ArchiveLimits = {}): EntryRecord[] {
  const scanner = new TarScanner(limits, { build });
  scanner.push(bytes);
  const { records, entryCount, tarBytes } = scanner.finish();
  const decoded = decodeRecords(records);
  expect([decoded.length, bytes.length]).toEqual([entryCount, tarBytes]);
  return decoded;
}

const x500 = "x".repeat(500);
const magicGnu = "ustar  \0";

/** A list as Linux keeps it (linux/posix_acl_xattr.h): tag, permissions and id of each entry. */
function acl(...entries: [tag: number, permissions: number, id?: number][]): string {
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0);
  entries.forEach(([tag, permissions, id = 0xffffffff], n) => {
    bytes.writeUInt16LE(tag, 4 + 8 * n);
    bytes.writeUInt16LE(permissions, 6 + 8 * n);
    bytes.writeUInt32LE(id, 8 + 8 * n);
  });
  return bytes.toString("latin1");
}

/** What is in the tar, and the records that it must give. */
const READ: [name: string, bytes: Buffer, expected: EntryRecord[]][] = [
  ["an empty stream", Buffer.alloc(0), []],
  ["two zero blocks", END, []],
  ["one zero block", Buffer.alloc(512), []],
  [
    "a file without an end of the archive",
    file({ name: "a" }, "hello"),
    [record(0, "a", { size: 5, dataOffset: 512 })],
  ],
  [
    "data whose last padding is missing",
    file({ name: "a" }, "hello").subarray(0, 517),
    [record(0, "a", { size: 5, dataOffset: 512 })],
  ],
  [
    "anything after the two zero blocks",
    Buffer.concat([tar(file({ name: "a" })), Buffer.from(x500)]),
    [record(0, "a", { dataOffset: 512 })],
  ],
  [
    "v7, with numbers padded by spaces",
    tar(file({ name: "a", magic: "\0".repeat(8), mode: "   644 \0", uid: "    17 \0", devMajor: "junk" })),
    [record(0, "a", { uid: 15, dataOffset: 512 })],
  ],
  [
    "a v7 directory: a name that ends in a slash",
    tar(header({ name: "d/", type: "\0", magic: "\0", mode: "0040755\0" })),
    [record(5, "d/")],
  ],
  [
    "empty number fields as 0",
    tar(header({ name: "a", mode: "", uid: "", gid: "", size: "", mtime: "", type: "\0" })),
    [record(0, "a", { mode: 0, dataOffset: 512 })],
  ],
  [
    "a checksum of signed bytes",
    tar(header({ name: "\xe9\xe8", signed: true })),
    [record(0, "\xe9\xe8", { dataOffset: 512 })],
  ],
  [
    "a name of 100 bytes without a NUL",
    tar(header({ name: "n".repeat(100) })),
    [record(0, "n".repeat(100), { dataOffset: 512 })],
  ],
  [
    "a ustar prefix",
    tar(header({ name: "name", prefix: "some/prefix" })),
    [record(0, "some/prefix/name", { dataOffset: 512 })],
  ],
  [
    "a star prefix, shorter since times follow",
    tar(header({ name: "name", prefix: "p".repeat(131), at: { 476: "00000000001\x0000000000002\0", 508: "tar\0" } })),
    [record(0, `${"p".repeat(131)}/name`, { dataOffset: 512 })],
  ],
  [
    "GNU times where ustar has the prefix",
    tar(header({ name: "name", magic: magicGnu, prefix: "14000000000\x0014000000000\0" })),
    [record(0, "name", { dataOffset: 512 })],
  ],
  [
    "a prefix in a GNU header, as Go wrote before 1.8",
    tar(header({ name: "name", magic: magicGnu, prefix: "a/prefix" })),
    [record(0, "a/prefix/name", { dataOffset: 512 })],
  ],
  [
    "base-256 numbers, negative times too",
    tar(header({ name: "a", uid: base256(4_000_000_000n, 8), mtime: base256(-3n, 12), magic: magicGnu })),
    [record(0, "a", { uid: 4_000_000_000, mtime: [-3, 0], dataOffset: 512 })],
  ],
  [
    "every type that is a file",
    tar(
      header({ name: "l", type: "1", link: "t", size: 4096 }),
      header({ name: "s", type: "2", link: "../t" }),
      header({ name: "c", type: "3", devMajor: "0000005\0", devMinor: "0000001\0" }),
      header({ name: "b", type: "4", devMajor: base256(259n, 8).toString("latin1"), devMinor: "3777777\0" }),
      header({ name: "d", type: "5", mode: "0001777\0" }),
      header({ name: "p", type: "6" }),
      file({ name: "7", type: "7" }, "contiguous"),
    ),
    [
      record(1, "l", { link: "t" }),
      record(2, "s", { link: "../t" }),
      record(3, "c", { rdev: [5, 1] }),
      record(4, "b", { rdev: [259, 0xfffff] }),
      record(5, "d", { mode: 0o1777 }),
      record(6, "p"),
      record(0, "7", { size: 10, dataOffset: 7 * 512 }),
    ],
  ],
  [
    "a directory with a size, which is no data",
    tar(header({ name: "d/", type: "5", size: 1024 }), header({ name: "a" })),
    [record(5, "d/", { mode: 0o644 }), record(0, "a", { dataOffset: 1024 })],
  ],
  [
    "a volume label, passed over",
    tar(header({ name: "label", type: "V" }), header({ name: "a" })),
    [record(0, "a", { dataOffset: 1024 })],
  ],
  [
    "GNU long names, each for one entry only",
    tar(
      file({ name: "././@LongLink", type: "K", magic: magicGnu }, `${"t".repeat(200)}\0`),
      file({ name: "././@LongLink", type: "L", magic: magicGnu }, `${"n".repeat(300)}\0`),
      header({ name: "n".repeat(100), type: "2", link: "t".repeat(100), magic: magicGnu }),
      header({ name: "next", type: "2", link: "short" }),
    ),
    [record(2, "n".repeat(300), { link: "t".repeat(200) }), record(2, "next", { link: "short" })],
  ],
  [
    "every pax record that matters, each for one entry only",
    tar(
      pax([
        ["path", "caf\xc3\xa9/\xff"],
        ["linkpath", "l".repeat(120)],
        ["uid", "4294967295"],
        ["gid", "3000000"],
        ["mtime", "-1.5"],
        ["atime", "5.5"],
        ["comment", "two\nlines = 1"],
      ]),
      header({ name: "caf", type: "2", link: "l" }),
      header({ name: "next" }),
    ),
    [
      record(2, "caf\xc3\xa9/\xff", {
        link: "l".repeat(120),
        uid: 4294967295,
        gid: 3_000_000,
        mtime: [-2, 500_000_000],
      }),
      record(0, "next", { dataOffset: 2048 }),
    ],
  ],
  [
    "pax times of any precision",
    tar(
      ...["1.1", "1.123456789", "1.1234567899", "0", "-1", "-0.000000001", "5."].flatMap((mtime) => [
        pax([["mtime", mtime]]),
        header({ name: "a" }),
      ]),
    ),
    (
      [
        [1, 100_000_000],
        [1, 123_456_789],
        [1, 123_456_789],
        [0, 0],
        [-1, 0],
        [-1, 999_999_999],
        [5, 0],
      ] as [number, number][]
    ).map((mtime, i) => record(0, "a", { mtime, dataOffset: 1536 * (i + 1) })),
  ],
  [
    "a pax size where the header has none",
    tar(pax([["size", "700"]]), header({ name: "big" }), blocks("y".repeat(700)), header({ name: "a" })),
    [record(0, "big", { size: 700, dataOffset: 1536 }), record(0, "a", { dataOffset: 3072 })],
  ],
  [
    "an empty pax value: the header's counts",
    tar(
      pax([
        ["path", "gone"],
        ["path", ""],
      ]),
      header({ name: "kept" }),
    ),
    [record(0, "kept", { dataOffset: 1536 })],
  ],
  [
    "a pax header of old Solaris ('X')",
    tar(Buffer.concat([pax([["path", "p"]], "X")]), header({ name: "a" })),
    [record(0, "p", { dataOffset: 1536 })],
  ],
  [
    "a pax header without records",
    tar(header({ type: "x" }), header({ name: "a" })),
    [record(0, "a", { dataOffset: 1024 })],
  ],
  [
    "global owner and times, and a comment as git writes it",
    tar(
      pax(
        [
          ["comment", "0123"],
          ["uid", "7"],
          ["mtime", "9.5"],
        ],
        "g",
      ),
      header({ name: "a", gid: "0000003\0" }),
      pax([["uid", "8"]]),
      header({ name: "b" }),
      pax([["uid", "9"]], "g"),
      header({ name: "c" }),
    ),
    [
      record(0, "a", { uid: 7, gid: 3, mtime: [9, 500_000_000], dataOffset: 1536 }),
      record(0, "b", { uid: 8, mtime: [9, 500_000_000], dataOffset: 3072 }),
      record(0, "c", { uid: 9, mtime: [9, 500_000_000], dataOffset: 4608 }),
    ],
  ],
  [
    "access control lists as text, with ids in either place, as Linux's attributes; the mode shows the mask",
    tar(
      pax([
        ["SCHILY.acl.access", "user::rw-,group::r--,other::---,user:bob:rwx:1000,mask::rwx"],
        ["SCHILY.acl.default", "user::rwx\ngroup::r-x\ngroup:50:r--\nmask::r-x\nother::r-x\n"],
      ]),
      header({ name: "d/", type: "5", mode: "0001640\0" }),
    ),
    [
      record(5, "d/", {
        mode: 0o1670,
        xattrs: [
          ["system.posix_acl_access", acl([1, 6], [2, 7, 1000], [4, 4], [16, 7], [32, 0])],
          ["system.posix_acl_default", acl([1, 7], [4, 5], [8, 4, 50], [16, 5], [32, 5])],
        ],
      }),
    ],
  ],
  [
    "access control lists that name nobody's ids, say no more than the mode, are malformed or a link's, as none",
    tar(
      pax([["SCHILY.acl.access", "user::rw-,group::r--,other::---,user:bob:rwx,mask::rwx"]]),
      header({ name: "a" }),
      pax([["SCHILY.acl.access", "u::rwx,g::rwx,o::rwx"]]),
      header({ name: "b" }),
      pax([["SCHILY.acl.access", "user::rw-,group:r--"]]),
      header({ name: "c" }),
      pax([["SCHILY.acl.access", "u::rwx,u:1:rwx,g::rwx,m::rwx,o::rwx"]]),
      header({ name: "l", type: "2", link: "a" }),
    ),
    [
      record(0, "a", { dataOffset: 3 * 512 }),
      record(0, "b", { dataOffset: 6 * 512 }),
      record(0, "c", { dataOffset: 9 * 512 }),
      record(2, "l", { link: "a" }),
    ],
  ],
  [
    "an access control list that is there as text and as an attribute: the attribute",
    tar(
      pax([
        ["SCHILY.acl.access", "u::rwx,u:1:rwx,g::rwx,m::rwx,o::rwx"],
        ["SCHILY.xattr.system.posix_acl_access", "binary"],
      ]),
      header({ name: "a" }),
    ),
    [record(0, "a", { dataOffset: 3 * 512, xattrs: [["system.posix_acl_access", "binary"]] })],
  ],
  [
    "attributes, raw and binary, later ones first",
    tar(
      pax([
        ["SCHILY.xattr.user.a", "1"],
        ["SCHILY.xattr.security.capability", "\x01\0\0\x02=\n"],
        ["SCHILY.xattr.user.a", "two"],
        ["SCHILY.xattr.user.e%3Dq%25%41", ""],
      ]),
      header({ name: "a" }),
    ),
    [
      record(0, "a", {
        xattrs: [
          ["security.capability", "\x01\0\0\x02=\n"],
          ["user.a", "two"],
          ["user.e=q%%41", ""],
        ],
        dataOffset: 1536,
      }),
    ],
  ],
  [
    "attributes as libarchive writes them: base64, unless raw ones are there too",
    tar(
      pax([
        ["LIBARCHIVE.xattr.user.b%20c", "aGVsbG8="],
        ["LIBARCHIVE.xattr.user.a", "AAAA"],
        ["SCHILY.xattr.user.a", "raw"],
        ["LIBARCHIVE.xattr.user.d", "/+8"],
      ]),
      header({ name: "a" }),
    ),
    [
      record(0, "a", {
        xattrs: [
          ["user.a", "raw"],
          ["user.b c", "hello"],
          ["user.d", "\xff\xef"],
        ],
        dataOffset: 1536,
      }),
    ],
  ],
  [
    "device numbers of pax records",
    tar(
      pax([
        ["SCHILY.devmajor", "4095"],
        ["SCHILY.devminor", "1048575"],
      ]),
      header({ name: "c", type: "3" }),
    ),
    [record(3, "c", { rdev: [4095, 1048575] })],
  ],
  [
    "an old GNU sparse file with a map in further blocks",
    tar(
      header({
        name: "s",
        type: "S",
        magic: magicGnu,
        size: 2560,
        at: {
          386: oldSparseMap([
            [0, 512],
            [1024, 512],
            [4096, 512],
            [8192, 512],
          ]),
          482: "\x01",
          483: "00000100000\0",
        },
      }),
      Buffer.concat([
        Buffer.from(
          oldSparseMap([
            [16384, 512],
            [32768, 0],
          ]),
        ),
        Buffer.alloc(512),
      ]).subarray(0, 512),
      blocks("z".repeat(2560)),
      header({ name: "next" }),
    ),
    [
      record(0, "s", {
        size: 32768,
        dataOffset: 1024,
        storedBytes: 2560,
        extents: [
          [0, 512],
          [1024, 512],
          [4096, 512],
          [8192, 512],
          [16384, 512],
        ],
      }),
      record(0, "next", { dataOffset: 4096 }),
    ],
  ],
  [
    "pax sparse 0.0",
    tar(
      pax([
        ["GNU.sparse.size", "2000"],
        ["GNU.sparse.numblocks", "2"],
        ["GNU.sparse.offset", "100"],
        ["GNU.sparse.numbytes", "3"],
        ["GNU.sparse.offset", "1000"],
        ["GNU.sparse.numbytes", "4"],
      ]),
      file({ name: "s" }, "abcdefg"),
    ),
    [
      record(0, "s", {
        size: 2000,
        storedBytes: 7,
        dataOffset: 1536,
        extents: [
          [100, 3],
          [1000, 4],
        ],
      }),
    ],
  ],
  [
    "pax sparse 0.1",
    tar(
      pax([
        ["GNU.sparse.major", "0"],
        ["GNU.sparse.minor", "1"],
        ["GNU.sparse.name", "real/name"],
        ["GNU.sparse.size", "2000"],
        ["GNU.sparse.map", "100,3,1000,4"],
      ]),
      file({ name: "real/GNUSparseFile.1/name" }, "abcdefg"),
    ),
    [
      record(0, "real/name", {
        size: 2000,
        storedBytes: 7,
        dataOffset: 1536,
        extents: [
          [100, 3],
          [1000, 4],
        ],
      }),
    ],
  ],
  [
    "pax sparse 1.0, whose map opens the data",
    tar(
      pax([
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.name", "s"],
        ["GNU.sparse.realsize", "9000000"],
      ]),
      file(
        { name: "GNUSparseFile.1/s" },
        Buffer.concat([blocks("3\n0\n3\n4096\n4\n9000000\n0\n"), Buffer.from("abcdefg")]),
      ),
      header({ name: "next" }),
    ),
    [
      record(0, "s", {
        size: 9_000_000,
        storedBytes: 7,
        dataOffset: 2048,
        extents: [
          [0, 3],
          [4096, 4],
        ],
      }),
      record(0, "next", { dataOffset: 3072 }),
    ],
  ],
  [
    "a 1.0 map of many blocks, numbers over the blocks' edges",
    tar(
      pax([
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.realsize", "9000000"],
      ]),
      file(
        { name: "s" },
        Buffer.concat([
          blocks(`300\n${Array.from({ length: 300 }, (_, i) => `${10_000 * i}\n1\n`).join("")}`),
          Buffer.alloc(300),
        ]),
      ),
    ),
    [
      record(0, "s", {
        size: 9_000_000,
        storedBytes: 300,
        dataOffset: 1536 + 512 * 6,
        extents: Array.from({ length: 300 }, (_, i): [number, number] => [10_000 * i, 1]),
      }),
    ],
  ],
  [
    "a file that is one hole, as one extent of nothing at its end",
    tar(
      pax([
        ["GNU.sparse.size", "5000"],
        ["GNU.sparse.map", "5000,0"],
      ]),
      header({ name: "s" }),
    ),
    [record(0, "s", { size: 5000, dataOffset: 1536, storedBytes: 0, extents: [[5000, 0]] })],
  ],
  [
    "a sparse map without holes as a plain file",
    tar(
      pax([
        ["GNU.sparse.size", "5"],
        ["GNU.sparse.map", "0,2,2,3"],
      ]),
      file({ name: "s" }, "hello"),
    ),
    [record(0, "s", { size: 5, dataOffset: 1536 })],
  ],
];

describe.each(BUILDS)("the tar scanner (%s)", (build) => {
  it.each(READ)("reads %s", (_, bytes, expected) => {
    expect(scan(bytes, build)).toEqual(expected);
  });

  it("gives the same records however the tar is cut into chunks", () => {
    const all = Buffer.concat([
      ...READ.map(([, bytes]) => bytes)
        .filter((b) => b.length > 1536 && b.subarray(-1024).equals(END))
        .map((b) => b.subarray(0, -1024)),
      END,
    ]);
    const whole = scan(all, build);
    expect(whole.length).toBeGreaterThan(40);
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const scanner = new TarScanner({}, { build });
      const most = random.pick([1, 7, 100, 512, 513, 5000]);
      for (let at = 0; at < all.length;) {
        const bytes = 1 + random.below(most);
        const skip = random.chance(30) ? Math.min(scanner.skippableBytes, bytes, all.length - at) : 0;
        if (skip > 0) scanner.skipData(skip);
        else scanner.push(all.subarray(at, at + bytes));
        at += skip > 0 ? skip : Math.min(bytes, all.length - at);
      }
      expect(decodeRecords(scanner.finish().records)).toEqual(whole);
    }
  });

  it("reads 200,000 entries, more than the kernel's memory holds at once", () => {
    const one = header({ name: "a-directory-with-a-name/and-a-file" });
    const block = Buffer.concat(Array<Buffer>(1000).fill(one));
    const scanner = new TarScanner({}, { build });
    for (let i = 0; i < 200; i++) scanner.push(block);
    const { records, entryCount } = scanner.finish();
    expect([entryCount, records.length]).toEqual([200_000, 200_000 * 120]);
    const last = Buffer.from(records.buffer, records.byteOffset + 199_999 * 120, 120);
    expect(Number(last.readBigUInt64LE(56))).toBe(200_000 * 512);
  });

  it("refuses to skip what is not data", () => {
    const scanner = new TarScanner({}, { build });
    scanner.push(header({ name: "a", size: 10 }));
    expect(scanner.skippableBytes).toBe(512);
    expect(() => scanner.skipData(513)).toThrow(/cannot skip/);
  });
});
