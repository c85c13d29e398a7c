import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sha256Wasm from "sha256-wasm";
import { describe, expect, it } from "vitest";
import { Sha256, Sha256x4, sha256Hex } from "../../../src/kernels/sha256.ts";
import { SHA256_VECTORS } from "../../vectors/sha256.ts";
import { Seeded } from "./seeded.ts";

const oracle = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.each(["scalar", "simd"] as const)("the %s SHA-256 kernel", (build) => {
  const hex = (...pieces: readonly Uint8Array[]): string => hexOf(pieces);
  const hexOf = (pieces: readonly Uint8Array[]): string => {
    const hash = new Sha256({ build });
    for (const piece of pieces) hash.update(piece);
    return hash.digestHex();
  };

  it.each(SHA256_VECTORS)("gives NIST's digest of $name", ({ message, digest }) => {
    expect(hex(message)).toBe(digest);
  });

  it("agrees with node:crypto and sha256-wasm on every length from 0 to 700", () => {
    const bytes = new Seeded(1).bytes(701);
    for (let length = 0; length <= 700; length++) {
      const message = bytes.subarray(0, length);
      const digest = hex(message);
      expect(digest, `length ${length}`).toBe(oracle(message));
      expect(digest).toBe(sha256Wasm().update(message).digest("hex"));
    }
  });

  it("agrees around the edges of four-block groups and of its buffers", () => {
    const bytes = new Seeded(2).bytes(530_000);
    for (const edge of [256, 4096, 65_536, 262_144, 524_288]) {
      for (let length = edge - 2; length <= edge + 2; length++) {
        expect(hex(bytes.subarray(0, length)), `length ${length}`).toBe(oracle(bytes.subarray(0, length)));
      }
    }
  });

  it("does not depend on how the message is cut, nor on alignment", () => {
    const random = new Seeded(3);
    const message = random.bytes(100_000);
    const expected = oracle(message);
    for (const most of [1, 3, 64, 65, 1000, 70_000]) expect(hexOf(random.cut(message, most))).toBe(expected);
    for (let shift = 1; shift < 16; shift++) expect(hex(message.subarray(shift))).toBe(oracle(message.subarray(shift)));
  });

  it("hashes what was read straight into its input", () => {
    const directory = mkdtempSync(join(tmpdir(), "gantry-sha256-"));
    const message = new Seeded(4).bytes(600_001);
    writeFileSync(join(directory, "file"), message);
    const fd = openSync(join(directory, "file"), "r");
    const hash = new Sha256({ build });
    expect(hash.input.length).toBeGreaterThanOrEqual(262_144);
    for (let got; (got = readSync(fd, hash.input, 0, 100_003, null)) > 0;) hash.consumeInput(got);
    closeSync(fd);
    rmSync(directory, { recursive: true });
    expect(hash.digestHex()).toBe(oracle(message));
  });

  it("starts anew after digest and after reset", () => {
    const hash = new Sha256({ build });
    hash.update(Buffer.from("abc"));
    expect(Buffer.from(hash.digest()).toString("hex")).toBe(oracle(Buffer.from("abc")));
    hash.update(Buffer.from("forget this"));
    hash.reset();
    hash.update(Buffer.from("def"));
    expect(hash.digestHex()).toBe(oracle(Buffer.from("def")));
  });

  it("keeps many hashers apart", () => {
    const random = new Seeded(5);
    const streams = Array.from({ length: 12 }, () => ({ hash: new Sha256({ build }), bytes: random.bytes(5000) }));
    for (let at = 0; at < 5000; at += 500)
      for (const { hash, bytes } of streams) hash.update(bytes.subarray(at, at + 500));
    for (const { hash, bytes } of streams) expect(hash.digestHex()).toBe(oracle(bytes));
  });

  it("refuses counts that its input does not have", () => {
    const hash = new Sha256({ build });
    for (const count of [-1, 1.5, 262_145, Number.NaN]) expect(() => hash.consumeInput(count)).toThrow(RangeError);
  });

  it("hashes four streams at once, each as if alone, whatever their lengths and ends", () => {
    const random = new Seeded(6);
    for (let round = 0; round < 60; round++) {
      const four = new Sha256x4({ build });
      const messages = [0, 1, 2, 3].map(() => random.bytes(random.below(round < 30 ? 400 : 40_000)));
      const at = [0, 0, 0, 0];
      while (messages.some((message, lane) => at[lane]! < message.length)) {
        const counts = messages.map((message, lane) => {
          const most = random.below(4) === 0 ? 0 : random.below(round % 2 === 0 ? 5000 : 65_537);
          const count = Math.min(most, message.length - at[lane]!);
          four.inputs[lane]!.set(message.subarray(at[lane], at[lane]! + count));
          at[lane]! += count;
          return count;
        });
        four.consume(counts as [number, number, number, number]);
      }
      for (const lane of [0, 1, 2, 3] as const) expect(four.digestHex(lane)).toBe(oracle(messages[lane]!));
      four.close();
    }
  });

  it("starts one lane anew while the others go on", () => {
    const four = new Sha256x4({ build });
    const message = new Seeded(7).bytes(60_000);
    for (const input of four.inputs) input.set(message);
    four.consume([1000, 60_000, 60_000, 60_000]);
    expect(four.digestHex(0)).toBe(oracle(message.subarray(0, 1000)));
    for (const input of four.inputs) input.set(message);
    four.consume([60_000, 60_000, 60_000, 60_000]);
    expect(four.digestHex(0)).toBe(oracle(message));
    expect(four.digestHex(3)).toBe(oracle(Buffer.concat([message, message])));
    four.close();
  });
});

describe("sha256Hex", () => {
  it("is the digest in lower-case hexadecimal", () => {
    expect(sha256Hex(Buffer.from("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
