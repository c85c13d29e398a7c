import { expect, it } from "vitest";
import { boundedDecoder, type Decoder } from "../../../src/kernels/bounded-decoder.ts";

/** Makes `ratio` bytes of one, 64 MiB at a time at most. */
function inflating(ratio: number): Decoder {
  const output = new Uint8Array(64 << 20);
  return {
    push(input, onOutput) {
      for (let left = input.length * ratio; left > 0; left -= output.length) {
        onOutput(output.subarray(0, Math.min(left, output.length)));
      }
    },
    finish: () => undefined,
  };
}

function pushedUntilRefused(ratio: number, inputs: number, limits = {}): { made: number; error: unknown } {
  let made = 0;
  const decoder = boundedDecoder(inflating(ratio), "the layer", limits);
  try {
    for (let i = 0; i < inputs; i++) decoder.push(new Uint8Array(1 << 20), (bytes) => (made += bytes.length));
  } catch (error) {
    return { made, error };
  }
  return { made, error: undefined };
}

it("lets pass what is compressed well but small, and what is large but compressed as files are", () => {
  expect(pushedUntilRefused(1000, 1)).toEqual({ made: 1000 * 2 ** 20, error: undefined });
  expect(pushedUntilRefused(150, 100)).toEqual({ made: 150 * 100 * 2 ** 20, error: undefined });
});

it("stops a bomb at a gigabyte, and says how to let it pass", () => {
  const { made, error } = pushedUntilRefused(1000, 10);
  expect(made).toBeLessThanOrEqual(2 ** 30);
  expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: "ratio" } });
  expect((error as Error).message).toMatch(/decompression bomb/);
  expect(pushedUntilRefused(1000, 3, { ratio: 1000 }).error).toBeUndefined();
});

it("stops at the limit of all bytes", () => {
  const { made, error } = pushedUntilRefused(2, 100, { "total-bytes": 10 << 20 });
  expect(made).toBe(10 << 20);
  expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: "total-bytes" } });
});
