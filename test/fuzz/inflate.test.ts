import { gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { GzipDecoder } from "../../src/kernels/inflate.ts";
import { Seeded } from "../unit/kernels/seeded.ts";

/** How long each target runs, in milliseconds. */
const TIME = Number(process.env["FUZZ_SECONDS"] ?? 2) * 1000;
/** Another seed tries other inputs; the default makes a failure repeatable. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);

/** The output, or what the GZIP_INVALID error says; any other error is a find. */
function decode(stream: Uint8Array, random: Seeded, build: "scalar" | "simd"): Buffer | string {
  const decoder = new GzipDecoder({ build });
  const output: Buffer[] = [];
  try {
    const most = 1 + random.below(random.below(2) === 0 ? 20 : 5000);
    for (const piece of random.cut(stream, most)) decoder.push(piece, (bytes) => output.push(Buffer.from(bytes)));
    decoder.finish();
  } catch (error) {
    if (isGantryError(error, "GZIP_INVALID")) return error.message;
    throw error;
  }
  return Buffer.concat(output);
}

/** Runs `round` with seeds from SEED on until the time is over; at least once. */
function timeBoxed(round: (random: Seeded, seed: number) => void): void {
  const end = Date.now() + TIME;
  let seed = SEED * 1_000_000;
  do round(new Seeded(seed), seed++);
  while (Date.now() < end);
}

describe.each(["scalar", "simd"] as const)("fuzzing the %s inflate kernel", (build) => {
  it("agrees with zlib on valid streams with bytes changed, added, removed and moved", () => {
    timeBoxed((random, seed) => {
      const level = random.below(10);
      let stream: Buffer = gzipSync(random.compressible(1 + random.below(4000)), { level });
      for (let changes = random.below(4); changes > 0; changes--) {
        const at = random.below(stream.length);
        const kind = random.below(4);
        if (kind === 0) stream[at]! ^= 1 << random.below(8);
        else if (kind === 1) stream = Buffer.concat([stream.subarray(0, at), random.bytes(2), stream.subarray(at)]);
        else if (kind === 2) stream = Buffer.concat([stream.subarray(0, at), stream.subarray(at + 1)]);
        else stream.copyWithin(at, random.below(stream.length));
      }
      const ours = decode(stream, random, build);
      let theirs: Buffer | undefined;
      try {
        theirs = gunzipSync(stream);
      } catch {
        // ours has to fail as well
      }
      // zlib's gunzip ignores anything that follows the last member.
      if (theirs !== undefined && typeof ours === "string")
        expect(ours, `seed ${seed}`).toMatch(/follow the last member/);
      else
        expect(typeof ours === "string" ? undefined : ours.equals(theirs ?? Buffer.of(0)), `seed ${seed}`).toBe(
          theirs === undefined ? undefined : true,
        );
    });
  });

  it("agrees with zlib on blocks of random bits", () => {
    timeBoxed((random, seed) => {
      // A dynamic block's header comes out right too seldom by chance: begin with a real one.
      const real = gzipSync(random.compressible(2000), { level: 9 }).subarray(10, -8);
      const kept = random.below(Math.min(real.length, 120));
      const body = Buffer.concat([real.subarray(0, kept), random.bytes(300)]);
      let theirs: Buffer | undefined;
      try {
        theirs = inflateRawSync(body);
      } catch {
        // an error for both
      }
      const stream = Buffer.concat([Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255), body]);
      const ours = decode(stream, random, build);
      // Where zlib finds the end of the blocks, what follows is no CRC (but by a chance of 2^-32).
      expect(typeof ours, `seed ${seed}`).toBe("string");
      if (theirs === undefined) expect(ours, `seed ${seed}`).not.toMatch(/CRC-32|follow the last member/);
      else expect(ours, `seed ${seed}`).toMatch(/CRC-32|truncated/);
    });
  });
});
