import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { buildLayerIndex, mergeChain } from "../../src/kernels/layer.ts";
import { TarScanner } from "../../src/kernels/tar-scan.ts";
import { decodeIndex } from "../oracles/decode-index.ts";
import { decodeRecords } from "../oracles/entry-records.ts";
import { Random } from "../oracles/random.ts";
import { base256, blocks, file, header, oldSparseMap, pax, tar } from "../oracles/tar-blocks.ts";

/** How long a run lasts; `FUZZ_SECONDS` for a longer one. The seed of a find is in the failure's message. */
const FUZZ_MS = Number(process.env["FUZZ_SECONDS"] ?? 1.5) * 1000;
const gnu = "ustar  \0";

const SEED = tar(
  header({ name: "./", type: "5", mode: "0000755\0" }),
  header({ name: "d/", type: "5" }),
  pax([
    ["path", "d/caf\xc3\xa9"],
    ["mtime", "-5.25"],
    ["SCHILY.xattr.user.a", "value"],
    ["LIBARCHIVE.xattr.user.b", "aGk="],
    ["size", "700"],
  ]),
  file({ name: "f", size: 700 }, "x".repeat(700)),
  file({ name: "L", type: "L", magic: gnu }, `${"nn/".repeat(100)}n\0`),
  file({ name: "n", uid: base256(3_000_000n, 8), magic: gnu }, "short"),
  header({ name: "hard", type: "1", link: "d/caf\xc3\xa9" }),
  header({
    name: "s",
    type: "S",
    magic: gnu,
    size: 1024,
    at: {
      386: oldSparseMap([
        [0, 512],
        [4096, 512],
      ]),
      483: "00000020000\0",
    },
  }),
  blocks("z".repeat(1024)),
  pax([
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", "s1"],
    ["GNU.sparse.realsize", "90000"],
  ]),
  file({ name: "s1" }, Buffer.concat([blocks("2\n0\n3\n4096\n4\n"), Buffer.from("abcdefg")])),
  pax([["uid", "7"]], "g"),
  header({ name: "d/.wh.gone" }),
  header({ name: "d/.wh..wh..opq" }),
  header({ name: "c", type: "3", devMajor: "0000001\0" }),
);

function mutate(bytes: Buffer, random: Random): Buffer {
  let b = Buffer.from(bytes);
  for (let edits = 1 + random.below(6); edits > 0; edits--) {
    const at = random.below(b.length);
    switch (random.below(6)) {
      case 0:
        b[at] = random.below(256);
        break;
      case 1:
        b[at]! ^= 1 << random.below(8);
        break;
      case 2: {
        const from = random.below(b.length / 512) * 512;
        b.copy(b, random.below(b.length / 512) * 512, from, from + 512);
        break;
      }
      case 3:
        b.write(
          random.pick(["0", "9", "7777777", "-1", "\0", "/", "..", "=", "\n", "\xff", "99999999999"]),
          at,
          "latin1",
        );
        break;
      case 4:
        b = b.subarray(0, Math.max(1, random.chance(20) ? at : b.length));
        break;
      default: {
        const cut = random.below(b.length / 512) * 512;
        b = Buffer.concat([b.subarray(0, cut), b.subarray(cut + 512)]);
        if (b.length === 0) return Buffer.alloc(512);
      }
    }
  }
  if (random.chance(90)) repairChecksums(b);
  return b;
}

/** Sets right the checksum of every block that still looks like a header, so that the edit gets past it. */
function repairChecksums(b: Buffer): void {
  for (let at = 0; at + 512 <= b.length; at += 512) {
    if (b.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    b.fill(0x20, at + 148, at + 156);
    let sum = 0;
    for (let i = at; i < at + 512; i++) sum += b[i]!;
    b.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  }
}

/** All that becomes of a tar; refusals are fine, as long as they are GantryErrors. Returns what was found, or the code. */
function digest(bytes: Buffer, chunk: number): string {
  try {
    const scanner = new TarScanner();
    for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk));
    const { records } = scanner.finish();
    for (const { dataOffset, storedBytes, type } of decodeRecords(records)) {
      if (type === 0 && dataOffset + storedBytes > bytes.length) throw new Error("data beyond the tar");
    }
    decodeIndex(mergeChain([buildLayerIndex(records)]));
    return Buffer.from(records).toString("latin1");
  } catch (error) {
    if (isGantryError(error) && error.code !== "INTERNAL") return `${error.code} ${error.message}`;
    throw error;
  }
}

function fuzz(seed: Buffer, name: string): void {
  const end = performance.now() + FUZZ_MS;
  const start = process.env["FUZZ_SECONDS"] === undefined ? 1 : Date.now() >>> 0;
  let refused = 0;
  let rounds = 0;
  for (; performance.now() < end; rounds++) {
    const random = new Random(start + rounds);
    const bytes = mutate(seed, random);
    try {
      const whole = digest(bytes, bytes.length);
      if (whole.startsWith("TAR_") || whole.startsWith("LAYER_")) refused++;
      if (rounds % 4 === 0) expect(digest(bytes, 1 + random.below(700))).toBe(whole);
    } catch (error) {
      throw new Error(`${name}, seed ${start + rounds}`, { cause: error });
    }
  }
  expect(rounds).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(0);
}

it("no tar that was tampered with crashes the scanner or the layer kernel, or makes them differ by chunking", () => {
  expect(digest(SEED, SEED.length)).not.toMatch(/^(TAR|LAYER)_/);
  fuzz(SEED, "made tar");
});

const FIXTURE = resolve(import.meta.dirname, "../../../shared/fixtures/odd-docker20.tar");

it.skipIf(!existsSync(FIXTURE))("nor does a docker-archive that was tampered with", () => {
  fuzz(readFileSync(FIXTURE).subarray(0, 60 * 512), "docker-archive");
});
