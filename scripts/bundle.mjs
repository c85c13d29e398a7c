// Bundles src/ into dist/: gantry.cjs (the program), worker.cjs (the kernel worker) and gantry (the launcher).
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";

const LAUNCHER = `#!/usr/bin/env node
// Runs gantry.cjs from V8's code cache: parsing and compiling the program would cost more than most commands do.
"use strict";
const { readFileSync, writeFileSync, renameSync } = require("node:fs");
const { Script } = require("node:vm");
const filename = require("node:path").join(__dirname, "gantry.cjs");
const source = readFileSync(filename, "utf8");
let cachedData;
try { cachedData = readFileSync(filename + ".cache"); } catch {}
const script = new Script(source, { filename, cachedData });
script.runInThisContext()(require, __dirname, filename);
if (process.env.GANTRY_WRITE_CODE_CACHE) process.on("exit", () => {
  writeFileSync(filename + ".cache.new", script.createCachedData());
  renameSync(filename + ".cache.new", filename + ".cache");
});
`;

export async function bundle(root, dist) {
  mkdirSync(join(dist, "native"), { recursive: true });
  const common = {
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    keepNames: true,
    legalComments: "none",
    define: {
      "import.meta.url": "__gantryUrl",
      __gantryVersion: JSON.stringify(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version),
    },
    logLevel: "warning",
    absWorkingDir: root,
  };
  const url = 'const __gantryUrl=require("node:url").pathToFileURL(__filename).href;';
  await build({
    ...common,
    entryPoints: ["src/cli/main.ts"],
    outfile: join(dist, "gantry.cjs"),
    banner: { js: `(function(require,__dirname,__filename){const module={exports:{}},exports=module.exports;${url}` },
    footer: { js: "})" },
    external: ["*.node"],
  });
  await build({
    ...common,
    entryPoints: ["src/kernels/worker.ts"],
    outfile: join(dist, "worker.cjs"),
    banner: { js: url },
    external: ["*.node"],
  });
  // ffi-rs ships one prebuilt library a platform; requiring it directly is 6 ms faster than through the package's entry.
  const require = createRequire(join(root, "package.json"));
  const libc = process.report?.getReport?.()?.header?.glibcVersionRuntime ? "gnu" : "musl";
  copyFileSync(require.resolve(`@yuuang/ffi-rs-linux-${process.arch}-${libc}`), join(dist, "native", "ffi-rs.node"));
  writeFileSync(join(dist, "package.json"), '{"type":"commonjs"}\n');
  writeFileSync(join(dist, "gantry"), LAUNCHER);
  chmodSync(join(dist, "gantry"), 0o755);
  rmSync(join(dist, "gantry.cjs.cache"), { force: true });
  // Write the code cache after a run, so that functions compiled on the way are in it.
  spawnSync(join(dist, "gantry"), ["version"], {
    env: { ...process.env, GANTRY_WRITE_CODE_CACHE: "1" },
    stdio: "ignore",
  });
}
