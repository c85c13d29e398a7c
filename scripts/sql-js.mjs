// Puts npm's sql.js where it is loaded from when it is first needed: dist/sql-js.cjs and dist/wasm/sql-js.wasm. Its build for
// browsers is taken, whose JavaScript knows no files but those it keeps in memory; what it could fetch with is hidden from it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { transform } from "esbuild";

const HIDDEN = ["globalThis", "process", "require", "fetch", "XMLHttpRequest", "window", "self"];

export async function buildSqlJs(root, dist) {
  const require = createRequire(join(root, "package.json"));
  const glue = readFileSync(require.resolve("sql.js/dist/sql-wasm-browser.js"), "utf8");
  const wasm = readFileSync(require.resolve("sql.js/dist/sql-wasm-browser.wasm"));
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
  if (imports.some(({ module, kind }) => module !== "a" || kind !== "function"))
    throw new Error("sql.js imports something other than the functions of its JavaScript");
  const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies["sql.js"];
  const { code } = await transform(glue, { minify: true, target: "node20" });
  mkdirSync(join(dist, "wasm"), { recursive: true });
  writeFileSync(join(dist, "wasm", "sql-js.wasm"), wasm);
  writeFileSync(
    join(dist, "sql-js.cjs"),
    `// sql.js ${version}, MIT licence; SQLite, public domain\n` +
      `var ${HIDDEN.map((name) => (name === "globalThis" ? `${name}={}` : name)).join(",")};require=undefined;\n${code}`,
  );
}
