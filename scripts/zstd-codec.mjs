// Splits npm's zstd-codec into what can be loaded fast and only when needed: its JavaScript without the base64 text of
// its WebAssembly (dist/zstd-codec.cjs), and that WebAssembly (dist/wasm/zstd-codec.wasm).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { transform } from "esbuild";

const DATA_URI = /"data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)"/;
/** The memory import, flags "has a maximum", 256 to 256 pages (16 MiB). */
const MEMORY = Buffer.from("\x03env\x06memory\x02\x01\x80\x02\x80\x02", "latin1");

export async function buildZstdCodec(root, dist) {
  const require = createRequire(join(root, "package.json"));
  const source = readFileSync(require.resolve("zstd-codec/lib/zstd-codec-binding-wasm.js"), "utf8");
  const match = DATA_URI.exec(source);
  if (match === null) throw new Error("zstd-codec does not contain its WebAssembly where it was");
  const wasm = Buffer.from(match[1], "base64");
  const at = wasm.indexOf(MEMORY);
  if (at < 0) throw new Error("zstd-codec does not import its memory as it did");
  // Windows over 8 MiB need more than 16 MiB: let the one who instantiates choose, up to 4096 pages (256 MiB).
  wasm.set([0x80, 0x20], at + MEMORY.length - 2);
  mkdirSync(join(dist, "wasm"), { recursive: true });
  writeFileSync(join(dist, "wasm", "zstd-codec.wasm"), wasm);
  const glue = source.replace(DATA_URI, '""');
  const { code } = await transform(glue, { minify: true, target: "node20" });
  writeFileSync(
    join(dist, "zstd-codec.cjs"),
    `// zstd-codec ${require("zstd-codec/package.json").version}, MIT licence\n${code}`,
  );
}
