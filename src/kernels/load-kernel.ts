import { readFileSync } from "node:fs";
import { artifact } from "../artifacts/locate.ts";
import { GantryError } from "../errors/index.ts";

/** The two builds of every kernel: they give the same results, one of them with SIMD instructions. */
export type KernelBuild = "scalar" | "simd";

export type KernelName = "sha256" | "inflate" | "deflate" | "tar-scan" | "tar-write" | "layer" | "diff" | "erofs";

/** `(module (func (result v128) i32.const 0 i8x16.splat))`: valid only where the engine and the CPU have SIMD. */
// prettier-ignore
const SIMD_PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
);

const modules = new Map<string, WebAssembly.Module>();
let best: KernelBuild | undefined;

/** The build used where none is asked for: `simd` where this machine runs it. */
export function bestKernelBuild(): KernelBuild {
  return (best ??= WebAssembly.validate(SIMD_PROBE) ? "simd" : "scalar");
}

/**
 * A new instance of a kernel, with memory of its own. The compiled module is kept for the life of the process (each
 * worker thread has its own). Synchronous: compiling is lazy and takes well under a millisecond.
 *
 * Throws `KERNEL_UNUSABLE` if the kernel was not built or does not start.
 */
export function loadKernel(name: KernelName, options: { build?: KernelBuild } = {}): WebAssembly.Instance {
  const file = `wasm/${name}.${options.build ?? bestKernelBuild()}.wasm`;
  try {
    let module = modules.get(file);
    if (module === undefined) modules.set(file, (module = new WebAssembly.Module(readFileSync(artifact(file)))));
    return new WebAssembly.Instance(module);
  } catch (cause) {
    throw new GantryError("KERNEL_UNUSABLE", `cannot start the kernel "${file}": ${String(cause)}`, {
      remedy: 'Build the kernels again with "npm run setup".',
      details: { path: artifact(file) },
      cause,
    });
  }
}
