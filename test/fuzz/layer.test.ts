import { expect, it } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { buildLayerIndex, mergeChain } from "../../src/kernels/layer.ts";
import { comparableIndex, comparableTree } from "../oracles/compare-index.ts";
import { decodeIndex } from "../oracles/decode-index.ts";
import { encodeRecords, record } from "../oracles/entry-records.ts";
import { layerTree, Refused } from "../oracles/layer-tree.ts";
import { Random } from "../oracles/random.ts";
import { randomLinks } from "../oracles/random-links.ts";

const FUZZ_MS = Number(process.env["FUZZ_SECONDS"] ?? 1.5) * 1000;

const LOWER = buildLayerIndex(
  encodeRecords([
    record(5, "d/", { xattrs: [["user.a", "1"]] }),
    record(0, "d/f", {
      size: 10,
      extents: [
        [0, 4],
        [8, 2],
      ],
    }),
    record(1, "d/g", { link: "d/f" }),
    record(2, "l", { link: "d/f" }),
    record(0, "e/.wh..wh..opq"),
    record(0, "a-name-longer-than-eight"),
  ]),
);
const UPPER = buildLayerIndex(
  encodeRecords([
    record(0, "d/.wh.g"),
    record(1, "h", { link: "d/f" }),
    record(5, "e/x/y"),
    record(0, "d/f", { size: 1 }),
  ]),
);

function mutate(index: Uint8Array, random: Random): Buffer {
  const b = Buffer.from(index);
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const at = random.below(b.length / 4) * 4;
    if (random.chance(50)) b.writeUInt32LE(random.pick([0, 1, 2, 5, 0x7fffffff, 0xffffffff, random.below(300)]), at);
    else b[random.below(b.length)] = random.below(256);
  }
  return b;
}

it("no damaged layer index crashes or hangs the merge", () => {
  const end = performance.now() + FUZZ_MS;
  const start = process.env["FUZZ_SECONDS"] === undefined ? 1 : Date.now() >>> 0;
  let refused = 0;
  for (let rounds = 0; performance.now() < end; rounds++) {
    const random = new Random(start + rounds);
    const chain = [mutate(LOWER, random), random.chance(50) ? UPPER : mutate(UPPER, random)];
    try {
      mergeChain(chain);
    } catch (error) {
      if (!isGantryError(error)) throw new Error(`seed ${start + rounds}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(0);
});

it("no damaged records crash or hang the build", () => {
  const records = encodeRecords([
    record(5, "d/"),
    record(0, "d/f", { size: 10, xattrs: [["user.a", "1"]], extents: [[0, 4]] }),
    record(1, "g", { link: "d/f" }),
    record(0, "w", { linkCount: 2, dataOffset: 7 }),
  ]);
  const end = performance.now() + FUZZ_MS;
  for (let seed = 1; performance.now() < end; seed++) {
    try {
      buildLayerIndex(mutate(records, new Random(seed)));
    } catch (error) {
      if (!isGantryError(error)) throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

it("paths through symbolic links lead where the oracle says, entry by entry", () => {
  const end = performance.now() + FUZZ_MS;
  const start = process.env["FUZZ_SECONDS"] === undefined ? 1 : Date.now() >>> 0;
  let built = 0;
  for (let seed = start; performance.now() < end; seed++) {
    const random = new Random(seed);
    const records = randomLinks(random, 4 + random.below(12));
    for (let count = 1; count <= records.length; count++) {
      const layer = records.slice(0, count);
      const expected = outcome(() => comparableTree(layerTree(layer), false));
      const actual = outcome(() => comparableIndex(decodeIndex(buildLayerIndex(encodeRecords(layer)))));
      expect(actual, `seed ${seed}, ${count} entries`).toEqual(expected);
      if (typeof actual === "string") records.splice(--count, 1);
      else built++;
    }
  }
  expect(built).toBeGreaterThan(10);
});

/** What a call gives, or the code that it is refused with. */
function outcome<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof Refused || isGantryError(error)) return error.code;
    throw error;
  }
}
