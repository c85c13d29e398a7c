import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { Digest } from "../../../src/image/types.ts";
import { chainId } from "../../../src/layer/chain-id.ts";

const digest = (text: string): Digest => `sha256:${createHash("sha256").update(text).digest("hex")}`;

it("is the diffId itself for one layer, and there is none for no layers", () => {
  expect(chainId([digest("a")])).toBe(digest("a"));
  expect(chainId([])).toBeUndefined();
});

it("hashes the chain below and the diffId on top, as text", () => {
  const [a, b, c] = [digest("a"), digest("b"), digest("c")];
  expect(chainId([a, b])).toBe(digest(`${a} ${b}`));
  expect(chainId([a, b, c])).toBe(digest(`${digest(`${a} ${b}`)} ${c}`));
});
