import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { artifact } from "../artifacts/locate.ts";
import { GantryError } from "../errors/index.ts";

/** The bytes called back with are valid only during the call; the callback must not throw. Each method returns false on an error that it does not explain. */
export interface ZstdStream {
  begin(level?: number): boolean;
  transform(bytes: Uint8Array, onOutput: (bytes: Uint8Array) => void): boolean;
  end(onOutput: (bytes: Uint8Array) => void): boolean;
  /** Frees the stream's memory in the instance. */
  delete(): void;
}

/** What npm's zstd-codec makes of itself: Facebook's zstd, with its raw stream bindings. */
export interface ZstdBinding {
  readonly ZstdCompressStreamBinding: new () => ZstdStream;
  readonly ZstdDecompressStreamBinding: new () => ZstdStream;
}

interface Emscripten extends ZstdBinding {
  TOTAL_MEMORY: number;
  print: (text: string) => void;
  printErr: (text: string) => void;
  instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
}

const MIB = 1048576;
/** Enough for windows up to 8 MiB and for levels up to 9. */
export const SMALL_HEAP_BYTES = 16 * MIB;
/** The most that the build of the binding (scripts/zstd-codec.mjs) allows. */
export const LARGEST_HEAP_BYTES = 256 * MIB;

let compiled: WebAssembly.Module | undefined;
let glue: ((module: Partial<Emscripten>) => void) | undefined;
const free: ZstdBinding[] = [];

/**
 * An instance of zstd with `heapBytes` (a multiple of 64 KiB) of memory, for one stream at a time: two might not fit.
 * The first costs about 15 ms; small ones are reused once given back.
 */
export function takeZstdBinding(heapBytes: number): ZstdBinding {
  if (heapBytes === SMALL_HEAP_BYTES && free.length > 0) return free.pop()!;
  glue ??= createRequire(import.meta.url)(artifact("zstd-codec.cjs")) as (module: Partial<Emscripten>) => void;
  compiled ??= new WebAssembly.Module(readFileSync(artifact("wasm/zstd-codec.wasm")));
  const module = compiled;
  const binding: Partial<Emscripten> = {
    TOTAL_MEMORY: heapBytes,
    // It reports "OOM" here and then throws.
    print: () => undefined,
    printErr: () => undefined,
    instantiateWasm: (imports, done) => {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  };
  glue(binding);
  if (binding.ZstdDecompressStreamBinding === undefined || binding.ZstdCompressStreamBinding === undefined)
    throw new GantryError("KERNEL_UNUSABLE", "cannot start zstd-codec: it did not start at once", {
      remedy: 'Build it again with "npm run setup".',
    });
  return binding as ZstdBinding;
}

/** For reuse. Not to be called after the binding threw: it may have lost memory. */
export function giveZstdBinding(binding: ZstdBinding, heapBytes: number): void {
  if (heapBytes === SMALL_HEAP_BYTES && free.length < 2) free.push(binding);
}
