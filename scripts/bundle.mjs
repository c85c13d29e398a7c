// Bundles src/ into dist/: gantry.cjs (the program), worker.cjs (the kernel worker) and gantry (the launcher).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { builtinModules, createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

// These are in node's start-up snapshot or cost next to nothing.
const LIGHT_BUILTINS = new Set(["buffer", "events", "fs", "module", "path", "url", "vm"]);

/**
 * Loads node's modules when something of them is first used, not when a module that imports them is: crypto, net or os cost
 * milliseconds each.
 */
const lazyBuiltins = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    const heavy = builtinModules.filter((name) => !name.startsWith("_") && !LIGHT_BUILTINS.has(name));
    const filter = new RegExp(`^(node:)?(${heavy.join("|").replaceAll("/", "\\/")})$`);
    onResolve({ filter }, ({ path, namespace, kind }) => {
      if (namespace === "lazy-builtin" || kind !== "import-statement") return undefined;
      return { path: path.replace(/^node:/, ""), namespace: "lazy-builtin" };
    });
    onLoad({ filter: /.*/, namespace: "lazy-builtin" }, async ({ path }) => {
      const names = Object.keys(await import(`node:${path}`)).filter((name) => name !== "default");
      const contents =
        `let loaded; const load = () => (loaded ??= require("node:${path}"));` +
        `module.exports = {${names.map((name) => `get ${name}() { return load().${name}; }`).join(",")}};`;
      return { contents, loader: "js" };
    });
  },
};

export async function bundle(root, dist) {
  mkdirSync(join(dist, "native"), { recursive: true });
  const common = {
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    // Names are kept for stack traces: from the code cache they cost nothing.
    minifyWhitespace: true,
    minifySyntax: true,
    charset: "ascii",
    legalComments: "none",
    define: {
      "import.meta.url": "__gantryUrl",
      __gantryVersion: JSON.stringify(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version),
    },
    logLevel: "warning",
    absWorkingDir: root,
    external: ["*.node"],
    plugins: [lazyBuiltins],
  };
  const url = 'const __gantryUrl="file://"+encodeURI(__filename).replace(/[?#]/g,encodeURIComponent);';
  await build({
    ...common,
    entryPoints: ["src/cli/main.ts"],
    outfile: join(dist, "gantry.cjs"),
    banner: { js: `(function(require,__dirname,__filename){const module={exports:{}},exports=module.exports;${url}` },
    footer: { js: ";return module.exports})" },
  });
  await build({
    ...common,
    entryPoints: ["src/kernels/worker.ts"],
    outfile: join(dist, "worker.cjs"),
    banner: { js: url },
  });
  // ffi-rs ships one prebuilt library a platform; requiring it directly is 6 ms faster than through the package's entry.
  const require = createRequire(join(root, "package.json"));
  const libc = process.report?.getReport?.()?.header?.glibcVersionRuntime ? "gnu" : "musl";
  // By rename: writing over a library that a running gantry has mapped would kill it with SIGBUS.
  const library = join(dist, "native", "ffi-rs.node");
  copyFileSync(require.resolve(`@yuuang/ffi-rs-linux-${process.arch}-${libc}`), `${library}.new`);
  renameSync(`${library}.new`, library);
  writeFileSync(join(dist, "package.json"), '{"type":"commonjs"}\n');
  const digest = createHash("sha256")
    .update(readFileSync(join(dist, "gantry.cjs")))
    .digest("hex")
    .slice(0, 16);
  const launcher = readFileSync(join(root, "scripts", "launcher.cjs"), "utf8");
  writeFileSync(join(dist, "gantry"), launcher.replace("__BUNDLE_DIGEST__", digest));
  chmodSync(join(dist, "gantry"), 0o755);
  for (const name of readdirSync(dist)) if (/^gantry\..*\.cache/.test(name)) rmSync(join(dist, name));
  warmUp(dist);
}

/** Makes the code cache in a process that has run typical commands, so that what they compile is in it. */
function warmUp(dist) {
  const store = mkdtempSync(join(tmpdir(), "gantry-warm-up-"));
  const commandLines = [["version"], ["images"], ["ps", "-a"], ["image", "inspect", "none"], ["run", "none", "true"]];
  spawnSync(join(dist, "gantry"), [], {
    env: { ...process.env, GANTRY_ROOT: store, GANTRY_WARM_UP: JSON.stringify(commandLines) },
    stdio: "ignore",
    timeout: 30_000,
  });
  rmSync(store, { recursive: true, force: true });
}
