#!/usr/bin/env node
// Builds everything into dist/: dependencies, kernels, Rust crates, bundle. Idempotent: a part whose inputs have not
// changed since its last build is skipped. `--only wasm|native|bundle` builds one part.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;
process.chdir(root);

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function* filesUnder(path) {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === "node_modules" || entry.name === "target") continue;
    const child = join(path, entry.name);
    if (entry.isDirectory()) yield* filesUnder(child);
    else if (entry.isFile()) yield child;
  }
}

/** Runs `build` unless the inputs' content is what it was when it last succeeded. */
async function part(name, inputs, outputs, build) {
  if (only !== undefined && only !== name) return;
  const hash = createHash("sha256").update(process.version);
  for (const input of inputs) {
    for (const file of existsSync(input) && !input.includes(".") ? filesUnder(input) : [input]) {
      if (existsSync(file)) hash.update(relative(root, file)).update("\0").update(readFileSync(file));
    }
  }
  const stamp = join(dist, `.${name}.stamp`);
  const now = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === now && outputs.every((o) => existsSync(o))) return;
  const start = Date.now();
  await build();
  mkdirSync(dist, { recursive: true });
  writeFileSync(stamp, now);
  console.error(`setup: ${name} built in ${((Date.now() - start) / 1000).toFixed(1)} s`);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"], ...options });
  if (result.error) fail(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) fail(`${command} ${args.slice(0, 3).join(" ")} ended with status ${result.status}`);
}

function requireTool(command, advice) {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
  } catch {
    fail(advice);
  }
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node.js ${process.versions.node} is too old: install Node.js 20.19 or later`);
if (process.platform !== "linux") fail(`gantry runs on Linux only, not on ${process.platform}`);

await part("dependencies", ["package-lock.json"], ["node_modules/.package-lock.json"], () => {
  requireTool("npm", "npm is missing: install it with Node.js");
  run("npm", ["ci", "--no-progress", "--loglevel=error"]);
});
if (!existsSync("node_modules")) fail("node_modules is missing: run npm run setup without --only first");

await part("wasm", ["wasm", "asconfig.json", "package-lock.json"], [join(dist, "wasm")], async () => {
  const asc = await import("assemblyscript/asc");
  const out = join(dist, "wasm");
  mkdirSync(out, { recursive: true });
  const kernels = readdirSync("wasm", { withFileTypes: true }).filter(
    (d) => d.isDirectory() && existsSync(`wasm/${d.name}/index.ts`),
  );
  for (const { name } of kernels) {
    for (const target of ["scalar", "simd"]) {
      const file = join(out, `${name}.${target}.wasm`);
      const args = [
        `wasm/${name}/index.ts`,
        "--config",
        "asconfig.json",
        "--target",
        target,
        "--outFile",
        `${file}.new`,
      ];
      const { error, stderr } = await asc.main(args, { reportStats: false });
      if (error) fail(`kernel ${name} (${target}) does not compile:\n${stderr.toString()}`);
      const imports = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(`${file}.new`)));
      if (imports.length > 0)
        fail(
          `kernel ${name} imports ${imports.map((i) => `${i.module}.${i.name}`).join(", ")}: kernels have no imports`,
        );
      renameSync(`${file}.new`, file);
    }
  }
});

await part("native", ["native"], [join(dist, "native", "gantry-shim")], () => {
  requireTool(
    "cargo",
    "the Rust toolchain is missing: install Rust 1.85 or later (rustup, or your distribution's rustc and cargo)",
  );
  requireTool("cc", "a C linker is missing: install gcc and libc6-dev (apt-get install gcc libc6-dev)");
  const triple = execFileSync("rustc", ["-vV"], { encoding: "utf8" }).match(/^host: (.*)$/m)[1];
  const cargo = (args, env = {}) =>
    run("cargo", ["build", "--release", "--locked", "--quiet", "--manifest-path", "native/Cargo.toml", ...args], {
      env: { ...process.env, ...env },
    });
  cargo(["-p", "gantry-bridge"]);
  // The shim and the runtime are static: they start in a millisecond and run inside any mount namespace.
  cargo(["-p", "gantry-runtime", "-p", "gantry-shim", "--target", triple], {
    RUSTFLAGS: "-C target-feature=+crt-static -C relocation-model=static",
  });
  const out = join(dist, "native");
  mkdirSync(out, { recursive: true });
  const place = (from, to) => {
    copyFileSync(from, join(out, `${to}.new`)); // a new file: the old one may be mapped by a running container's shim
    renameSync(join(out, `${to}.new`), join(out, to));
  };
  place("native/target/release/libgantry_bridge.so", "libgantry_bridge.so");
  for (const binary of ["gantry-runtime", "gantry-shim"]) {
    place(`native/target/${triple}/release/${binary}`, binary);
    chmodSync(join(out, binary), 0o755);
  }
});

await part("bundle", ["src", "scripts", "package-lock.json", "package.json"], [join(dist, "gantry")], async () => {
  const { bundle } = await import("./bundle.mjs");
  await bundle(root, dist);
  const { buildZstdCodec } = await import("./zstd-codec.mjs");
  await buildZstdCodec(root, dist);
  const { buildXzDecompress } = await import("./xz-decompress.mjs");
  buildXzDecompress(root, dist);
  const { buildSqlJs } = await import("./sql-js.mjs");
  await buildSqlJs(root, dist);
});
if (only === undefined) rmSync(join(dist, ".new"), { force: true, recursive: true });
