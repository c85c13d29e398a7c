import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const PROJECT = resolve(import.meta.dirname, "../../..");

/** The numbers that a file of constants, TypeScript, AssemblyScript or Rust, gives its names. */
function constantsOf(path: string): Record<string, number> {
  const text = readFileSync(resolve(PROJECT, path), "utf8");
  const lines = text.matchAll(/^(?:export|pub) const ([A-Z][A-Z0-9_]*)(?:: \w+)? = ([^;]+);/gm);
  return Object.fromEntries(
    [...lines]
      .map(([, name, value]): [string, number] => [name!, value === "u32::MAX" ? 0xffffffff : Number(value)])
      .filter(([, value]) => !Number.isNaN(value)),
  );
}

describe("the constants of the binary formats", () => {
  const documented = constantsOf("wasm/common/format.ts");

  it("are all numbers", () => {
    expect(Object.keys(documented).length).toBeGreaterThan(15);
    expect(documented).toMatchObject({ ENTRY_FIFO: 6, NODE_IMPLIED: 4, NO_INODE: 0xffffffff });
  });

  it("are the same for the kernels and for TypeScript", () => {
    expect(constantsOf("src/layer/format.ts")).toEqual(documented);
  });

  it("are the same for Rust, as far as it needs them", () => {
    const rust = constantsOf("native/sys/src/format.rs");
    expect(Object.keys(rust).length).toBeGreaterThan(10);
    expect(documented).toMatchObject(rust);
  });
});
