import { spawnSync } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { describe, expect, it } from "vitest";
import { XzDecoder } from "../../../src/kernels/xz.ts";
import { missing } from "../../tools/gantry.ts";

const reason = missing({ tools: ["xz"] });
const noise = createCipheriv("aes-256-ctr", Buffer.alloc(32, 1), Buffer.alloc(16)).update(Buffer.alloc(100_000));
const INPUTS: Record<string, Buffer> = {
  nothing: Buffer.alloc(0),
  "one byte": Buffer.from("x"),
  text: Buffer.from("all work and no play ".repeat(20_000)),
  noise,
  "a long run": Buffer.alloc(1_000_000),
};

const xz = (input: Buffer, ...options: string[]): Buffer =>
  spawnSync("xz", ["-c", ...options], { input, maxBuffer: 1 << 28 }).stdout;

function unxz(bytes: Buffer, pieceBytes = 65_536): Buffer {
  const decoder = new XzDecoder();
  const output: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    decoder.push(bytes.subarray(at, at + pieceBytes), (made) => output.push(Buffer.from(made)));
  }
  decoder.finish();
  return Buffer.concat(output);
}

describe.skipIf(reason)("an xz stream", () => {
  it.each(Object.keys(INPUTS))("of %s comes out as it went in, in pieces of any size, at any level", (name) => {
    const input = INPUTS[name]!;
    for (const options of [
      ["-0"],
      ["-6"],
      ["-9e"],
      ["--check=none"],
      ["--check=crc32"],
      ["-T2", "--block-size=65536"],
    ]) {
      const packed = xz(input, ...options);
      for (const piece of [70_003, 7001]) expect(unxz(packed, piece).equals(input), options.join()).toBe(true);
    }
    expect(unxz(xz(input.subarray(0, 2000)), 1)).toEqual(input.subarray(0, 2000));
  });

  it("may be several in a row, with padding between", () => {
    const two = Buffer.concat([xz(noise), Buffer.alloc(8), xz(Buffer.from("end"))]);
    expect(unxz(two).equals(Buffer.concat([noise, Buffer.from("end")]))).toBe(true);
  });

  it("that is cut off anywhere, or empty, or followed by something else is refused", () => {
    const packed = xz(INPUTS["text"]!);
    const invalid = expect.objectContaining({ code: "XZ_INVALID" }) as Error;
    for (let cut = 0; cut < packed.length; cut += 29)
      expect(() => unxz(packed.subarray(0, cut)), `${cut}`).toThrow(invalid);
    expect(() => unxz(Buffer.concat([packed, Buffer.from("rubbish!")]))).toThrow(invalid);
    expect(() => unxz(Buffer.concat([packed, Buffer.alloc(3)]))).toThrow(invalid);
  });

  it("with a byte changed is refused, or decodes to the same", () => {
    const input = noise.subarray(0, 3000);
    const packed = xz(input);
    for (let at = 0; at < packed.length; at += 97) {
      const bad = Buffer.from(packed);
      bad[at]! ^= 0x11;
      try {
        expect(unxz(bad).equals(input), `byte ${at}`).toBe(true);
      } catch (error) {
        expect((error as { code: string }).code, `byte ${at}`).toMatch(/^XZ_(INVALID|UNSUPPORTED)$/);
      }
    }
  });

  it("with a dictionary larger than 64 MiB, or a filter that is not known, is refused as unsupported", () => {
    for (const options of [["--lzma2=dict=128MiB"], ["--x86", "--lzma2"], ["--check=sha256"]]) {
      expect(() => unxz(xz(noise, ...options))).toThrow(
        expect.objectContaining({
          code: "XZ_UNSUPPORTED",
          remedy: expect.stringContaining("Decompress it with xz first") as string,
        }),
      );
    }
  });
});
