import { expect, it } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { diffTrees } from "../../src/kernels/diff.ts";
import { buildLayerIndex, layerBetween, mergeChain } from "../../src/kernels/layer.ts";
import { encodedChain, randomChain } from "../oracles/random-chain.ts";
import { Random } from "../oracles/random.ts";

const FUZZ_MS = Number(process.env["GANTRY_FUZZ_MS"] ?? 1000);

function mutate(index: Uint8Array, random: Random): Buffer {
  const b = Buffer.from(index);
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const at = random.below(b.length / 4) * 4;
    if (random.chance(50)) b.writeUInt32LE(random.pick([0, 1, 2, 5, 0x7fffffff, 0xffffffff, random.below(300)]), at);
    else b[random.below(b.length)] = random.below(256);
  }
  return b;
}

it.each([
  [
    "comparison",
    (a: Uint8Array, b: Uint8Array) => {
      const layers = (index: Uint8Array): number => Buffer.from(index).readUInt32LE(24);
      if (layers(a) > 9 || layers(b) > 9) return;
      diffTrees({ index: a, sources: new Uint32Array(layers(a)) }, { index: b, sources: new Uint32Array(layers(b)) });
    },
  ],
  ["making of a layer", (a: Uint8Array, b: Uint8Array) => void layerBetween(a, b)],
])("no damaged index crashes or hangs the %s of trees", (_, work) => {
  const layers = encodedChain(randomChain(new Random(7), 3, 30)).map((records) => buildLayerIndex(records));
  const lower = mergeChain(layers.slice(0, 2));
  const whole = mergeChain(layers);
  const end = performance.now() + FUZZ_MS;
  const start = process.env["GANTRY_FUZZ_MS"] === undefined ? 1 : Date.now() >>> 0;
  let refused = 0;
  for (let rounds = 0; performance.now() < end; rounds++) {
    const random = new Random(start + rounds);
    const [a, b] = random.chance(50) ? [mutate(lower, random), whole] : [lower, mutate(whole, random)];
    try {
      work(a, b);
    } catch (error) {
      if (!isGantryError(error)) throw new Error(`seed ${start + rounds}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(0);
});
