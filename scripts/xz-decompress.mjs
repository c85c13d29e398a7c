// Takes the WebAssembly out of npm's xz-decompress: dist/wasm/xz-decompress.wasm. The package's own interface is an
// asynchronous web stream; src/kernels/xz.ts drives the module directly, as a layer's pass is synchronous.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const DATA_URI = /"data:application\/wasm;base64,([A-Za-z0-9+/=]+)"/;
const EXPORTS = ["create_context", "destroy_context", "get_next_output", "memory", "supply_input"];

export function buildXzDecompress(root, dist) {
  const require = createRequire(join(root, "package.json"));
  const match = DATA_URI.exec(readFileSync(require.resolve("xz-decompress"), "utf8"));
  if (match === null) throw new Error("xz-decompress does not contain its WebAssembly where it was");
  const wasm = Buffer.from(match[1], "base64");
  const module = new WebAssembly.Module(wasm);
  if (WebAssembly.Module.imports(module).length > 0) throw new Error("xz-decompress imports something");
  const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (!EXPORTS.every((name) => exported.includes(name))) throw new Error("xz-decompress does not export what it did");
  mkdirSync(join(dist, "wasm"), { recursive: true });
  writeFileSync(join(dist, "wasm", "xz-decompress.wasm"), wasm);
}
