import { describe, expect, it } from "vitest";
import { isGantryError } from "../../../src/errors/index.ts";
import type { ArchiveLimits } from "../../../src/kernels/archive-limits.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { base256, blocks, file, header, oldSparseMap, pax, paxRecord, tar } from "../../oracles/tar-blocks.ts";

const BUILDS = ["scalar", "simd"] as const;
const magicGnu = "ustar  \0";

function scan(bytes: Buffer, build: "scalar" | "simd", limits: ArchiveLimits = {}): number {
  const scanner = new TarScanner(limits, { build });
  scanner.push(bytes);
  return scanner.finish().entryCount;
}

const a = header({ name: "a" });
const sparse = (map: string, size: string, data = "abc"): Buffer =>
  tar(
    pax([
      ["GNU.sparse.size", size],
      ["GNU.sparse.map", map],
    ]),
    file({ name: "s" }, data),
  );
const raw = (payload: string): Buffer => tar(file({ name: "x", type: "x" }, payload), a);

/** What is wrong, the tar, the code, and what the message must say. */
const REFUSED: [name: string, bytes: Buffer, code: string, message: RegExp][] = [
  [
    "a wrong checksum",
    tar(a, header({ name: "b", checksum: "0001234\0" })),
    "TAR_INVALID",
    /^cannot read tar entry 2 at byte 512: the header's checksum is "0001234/,
  ],
  ["a checksum that is no number", tar(header({ checksum: "zzzzzzz\0" })), "TAR_INVALID", /checksum/],
  ["garbage", Buffer.alloc(2048, "garbage "), "TAR_INVALID", /entry 1 at byte 0/],
  [
    "a tar that ends in a header",
    tar(file({ name: "a" }, "x")).subarray(0, 1100),
    "TAR_INVALID",
    /entry 2 at byte 0: the tar ends after 1100 bytes, inside its header/,
  ],
  [
    "a tar that ends in a file's data",
    file({ name: "dir/a" }, "x".repeat(600)).subarray(0, 1000),
    "TAR_INVALID",
    /entry 1 "dir\/a" .* inside its data/,
  ],
  [
    "a tar that ends after an extended header",
    pax([["path", "p"]]),
    "TAR_INVALID",
    /inside its extended header, or before the file/,
  ],
  [
    "a tar that ends in an extended header",
    pax([["path", "p"]]).subarray(0, 700),
    "TAR_INVALID",
    /inside its extended header/,
  ],
  ["a lone zero block before more", Buffer.concat([a, Buffer.alloc(512), a]), "TAR_INVALID", /lone zero block/],
  ["a size that is no number", tar(header({ size: "12x45\0" })), "TAR_INVALID", /the header's size is "12x45/],
  ["a negative size", tar(header({ size: base256(-5n, 12), magic: magicGnu })), "TAR_INVALID", /size is out of range/],
  [
    "a size beyond 2^53",
    tar(header({ size: base256(1n << 53n, 12), magic: magicGnu })),
    "TAR_INVALID",
    /size is out of range/,
  ],
  [
    "a size beyond 2^64",
    tar(header({ size: base256(1n << 70n, 12), magic: magicGnu })),
    "TAR_INVALID",
    /size is out of range/,
  ],
  ["a negative uid", tar(header({ uid: base256(-1n, 8) })), "TAR_INVALID", /uid is out of range/],
  [
    "a pax record without its newline",
    raw("12 path=abcde"),
    "TAR_INVALID",
    /pax header is malformed at byte 0: "12 path=abcde"/,
  ],
  ["a pax record longer than its header", raw("99 path=abc\n"), "TAR_INVALID", /malformed/],
  ["a pax record without a length", raw("path=abc\n"), "TAR_INVALID", /malformed/],
  ["a pax record without a keyword", raw("6 =ab\n"), "TAR_INVALID", /malformed/],
  ["a pax record without a value", raw("7 path\n"), "TAR_INVALID", /malformed/],
  ["a pax length with many digits", raw(`${"9".repeat(40)} a=b\n`), "TAR_INVALID", /malformed/],
  ["NULs after the pax records", raw(`${paxRecord("path", "p")}\0\0`), "TAR_INVALID", /malformed at byte 9/],
  [
    "a NUL in a pax path",
    tar(pax([["path", "a\0b"]]), a),
    "TAR_INVALID",
    /"path=a\\x00b" has a value that cannot be used/,
  ],
  ["a pax uid that is no number", tar(pax([["uid", "12x"]]), a), "TAR_INVALID", /"uid=12x"/],
  ["a negative pax uid", tar(pax([["uid", "-1"]]), a), "TAR_INVALID", /"uid=-1"/],
  ["a pax uid beyond 32 bits", tar(pax([["uid", "4294967296"]]), a), "TAR_INVALID", /"uid=4294967296"/],
  ["a pax size beyond 2^64", tar(pax([["size", "99999999999999999999"]]), a), "TAR_INVALID", /"size=9/],
  ["a pax time that is none", tar(pax([["mtime", "1.2.3"]]), a), "TAR_INVALID", /"mtime=1.2.3"/],
  [
    "a pax size that disagrees with the header's",
    tar(pax([["size", "3"]]), file({ name: "f" }, "x".repeat(600))),
    "TAR_INVALID",
    /entry 1 "f" at byte 1024: its pax size 3 disagrees with the header's size 600/,
  ],
  [
    "a pax size larger than what is there",
    tar(pax([["size", "5000"]]), header({ name: "f" }), blocks("x")),
    "TAR_INVALID",
    /inside its data/,
  ],
  [
    "a long name that disagrees with the pax path",
    tar(file({ name: "L", type: "L" }, "one\0"), pax([["path", "two"]]), a),
    "TAR_INVALID",
    /GNU long name disagrees with its pax record, "two"/,
  ],
  ["two pax headers for one file", tar(pax([["path", "p"]]), pax([["uid", "1"]]), a), "TAR_INVALID", /follows another/],
  [
    "a global path",
    tar(pax([["path", "p"]], "g"), a),
    "TAR_INVALID",
    /global pax record "path" would change every file/,
  ],
  ["a global size", tar(pax([["size", "1"]], "g"), a), "TAR_INVALID", /global pax record "size"/],
  ["an entry without a name", tar(header({ name: "" })), "TAR_INVALID", /it has no name/],
  [
    "a link without a target",
    tar(header({ name: "l", type: "2" })),
    "TAR_INVALID",
    /entry 1 "l" .* link without a target/,
  ],
  ["a file whose name ends in a slash", tar(header({ name: "f/" })), "TAR_INVALID", /its name ends in "\/"/],
  [
    "a multi-volume continuation",
    tar(header({ name: "m", type: "M" })),
    "TAR_UNSUPPORTED",
    /entry 1 "m" .* its type is "M"/,
  ],
  ["an incremental directory", tar(header({ name: "m/", type: "D" })), "TAR_UNSUPPORTED", /type is "D"/],
  ["sparse extents that overlap", sparse("0,2,1,1", "10"), "TAR_INVALID", /sparse map/],
  ["a sparse extent beyond the file", sparse("8,3", "10"), "TAR_INVALID", /sparse map/],
  ["a sparse map of less than the data", sparse("0,2", "10"), "TAR_INVALID", /sparse map/],
  ["a sparse map of more than the data", sparse("0,5", "10"), "TAR_INVALID", /sparse map/],
  ["a sparse map with an odd count", sparse("0,3,5", "10"), "TAR_INVALID", /sparse map/],
  ["a sparse map that is no numbers", sparse("a,b", "10"), "TAR_INVALID", /sparse map/],
  ["a sparse map that overflows", sparse("18446744073709551615,3", "10"), "TAR_INVALID", /sparse map/],
  [
    "an unknown sparse version",
    tar(
      pax([
        ["GNU.sparse.major", "2"],
        ["GNU.sparse.size", "5"],
      ]),
      file({ name: "s" }, "abc"),
    ),
    "TAR_INVALID",
    /sparse map/,
  ],
  [
    "a 1.0 map without an end",
    tar(
      pax([
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.realsize", "10"],
      ]),
      file({ name: "s" }, "1".repeat(30)),
    ),
    "TAR_INVALID",
    /sparse map/,
  ],
  [
    "an old sparse map that goes back",
    tar(
      header({
        name: "s",
        type: "S",
        magic: magicGnu,
        size: 10,
        at: {
          386: oldSparseMap([
            [512, 5],
            [0, 5],
          ]),
          483: "00000002000\0",
        },
      }),
      blocks("x".repeat(10)),
    ),
    "TAR_INVALID",
    /sparse map/,
  ],
  [
    "a libarchive attribute that is not base64",
    tar(pax([["LIBARCHIVE.xattr.a", "a*b"]]), a),
    "TAR_INVALID",
    /cannot be used/,
  ],
  [
    "device numbers that Linux does not have",
    tar(header({ name: "c", type: "3", devMajor: "0010000\0" })),
    "TAR_INVALID",
    /devmajor is out of range/,
  ],
  [
    "device numbers of pax records that Linux does not have",
    tar(pax([["SCHILY.devminor", "1048576"]]), header({ name: "c", type: "3" })),
    "TAR_INVALID",
    /cannot be used/,
  ],
  [
    "a sparse name for a file that is not sparse",
    tar(pax([["GNU.sparse.name", "b"]]), a),
    "TAR_INVALID",
    /disagrees with its pax record, "b"/,
  ],
  [
    "a directory with a sparse map",
    tar(
      pax([
        ["GNU.sparse.size", "4"],
        ["GNU.sparse.map", "0,4"],
      ]),
      header({ name: "d/", type: "5" }),
    ),
    "TAR_INVALID",
    /sparse map/,
  ],
  [
    "more attributes than a file can have",
    tar(pax(Array.from({ length: 4097 }, (_, i) => [`SCHILY.xattr.user.${i}`, ""] as const)), a),
    "TAR_UNSUPPORTED",
    /more than 4096 extended attributes/,
  ],
];

describe.each(BUILDS)("the tar scanner (%s) refuses", (build) => {
  it.each(REFUSED)("%s", (_, bytes, code, message) => {
    for (const chunk of [bytes.length, 97]) {
      const scanner = new TarScanner({}, { build });
      const all = (): void => {
        for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk));
        scanner.finish();
      };
      expect(all).toThrow(message);
    }
    expect(codeOf(() => scan(bytes, build))).toBe(code);
  });

  it.each([
    ["entries", { entries: 1 }, tar(a, a), /more than 1 entries/],
    [
      "path bytes",
      { "path-bytes": 3 },
      tar(header({ name: "abcd" })),
      /a path of 4 bytes is longer than the limit of 3/,
    ],
    [
      "path bytes of a GNU long name",
      {},
      tar(file({ type: "L", name: "L" }, `${"n".repeat(4097)}\0`), a),
      /4097 bytes is longer than the limit of 4096/,
    ],
    [
      "path bytes of a link",
      { "path-bytes": 3 },
      tar(header({ name: "l", type: "2", link: "abcd" })),
      /4 bytes is longer/,
    ],
    [
      "pax bytes",
      { "pax-bytes": 1000 },
      tar(
        pax([
          ["comment", "x".repeat(500)],
          ["comment", "x".repeat(500)],
        ]),
        a,
      ),
      /pax header of 10\d\d bytes is larger than the limit of 1000/,
    ],
    [
      "depth",
      { depth: 3 },
      tar(header({ name: "a/b//c/d/", type: "5" })),
      /a path of 4 components is deeper than the limit of 3/,
    ],
    [
      "attribute bytes",
      { "xattr-bytes": 20 },
      tar(pax([["SCHILY.xattr.user.name", "x".repeat(20)]]), a),
      /37 bytes of extended attributes are more than the limit of 20/,
    ],
    ["extents", { extents: 1 }, sparse("0,1,1024,2", "2048"), /a sparse file of more than 1 extents/],
    [
      "bytes of a file",
      { "entry-bytes": 99 },
      tar(file({ name: "a" }, "x".repeat(100))),
      /100 bytes, is above the limit of 99/,
    ],
    ["bytes of a file with its holes", { "entry-bytes": 99 }, sparse("0,3", "100"), /100 bytes, is above/],
    ["bytes in all", { "total-bytes": 2047 }, tar(a, a), /the tar is larger than the limit of 2047 bytes/],
  ] as [string, ArchiveLimits, Buffer, RegExp][])(
    "more %s than the limit, and says how to raise it",
    (name, limits, bytes, message) => {
      const error = errorOf(() => scan(bytes, build, limits));
      expect(error).toMatchObject({
        code: "LIMIT_EXCEEDED",
        remedy: expect.stringMatching(/^If you trust it, raise the limit with --limit [a-z-]+=/) as string,
      });
      expect(error.message).toMatch(message);
      expect(
        scan(bytes, build, { entries: 10, "path-bytes": 10_000, "pax-bytes": 10_000, depth: 10 }),
        name,
      ).toBeGreaterThan(0);
    },
  );
});

function errorOf(call: () => unknown): Error & { code?: string } {
  try {
    call();
  } catch (error) {
    if (isGantryError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function codeOf(call: () => unknown): string {
  return errorOf(call).code!;
}
