import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { isGantryError } from "../../../src/errors/index.ts";
import { type KernelName, bestKernelBuild, loadKernel } from "../../../src/kernels/load-kernel.ts";

const WASM = resolve(import.meta.dirname, "../../../wasm");
const names = readdirSync(WASM).filter((name) => existsSync(join(WASM, name, "index.ts")));

describe("loadKernel", () => {
  it.each(names.flatMap((name) => [`${name}.scalar`, `${name}.simd`]))("finds %s, which imports nothing", (name) => {
    const file = resolve(import.meta.dirname, "../../../dist/wasm", `${name}.wasm`);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(file)))).toEqual([]);
  });

  it("gives each caller an instance with memory of its own", () => {
    const [a, b] = [loadKernel("sha256"), loadKernel("sha256")];
    expect(a.exports["memory"]).toBeInstanceOf(WebAssembly.Memory);
    expect(a.exports["memory"]).not.toBe(b.exports["memory"]);
  });

  it("uses SIMD where this machine has it, as every machine with Node.js 20 on x64 and arm64 does", () => {
    if (process.arch === "x64" || process.arch === "arm64") expect(bestKernelBuild()).toBe("simd");
  });

  it("says KERNEL_UNUSABLE, with a remedy, for a kernel that was not built", () => {
    let error: unknown;
    try {
      loadKernel("no-such-kernel" as KernelName);
    } catch (thrown) {
      error = thrown;
    }
    expect(isGantryError(error, "KERNEL_UNUSABLE") && error.remedy).toMatch(/npm run setup/);
    expect(String(error)).toContain("no-such-kernel");
  });
});
