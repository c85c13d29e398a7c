// Bundles src/ into dist/: gantry.cjs (the program), worker.cjs (the kernel worker) and gantry (the launcher).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
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
    outfile: join(dist, "gantry.cjs.new"),
    banner: { js: `(function(require,__dirname,__filename){const module={exports:{}},exports=module.exports;${url}` },
    footer: { js: ";return module.exports})" },
  });
  await build({
    ...common,
    entryPoints: ["src/kernels/worker.ts"],
    outfile: join(dist, "worker.cjs.new"),
    banner: { js: url },
  });
  // By rename: a gantry that starts meanwhile finds a whole program.
  for (const program of ["worker.cjs", "gantry.cjs"]) renameSync(join(dist, `${program}.new`), join(dist, program));
  // ffi-rs ships one prebuilt library a platform; requiring it directly is 6 ms faster than through the package's entry.
  const require = createRequire(join(root, "package.json"));
  const libc = process.report?.getReport?.()?.header?.glibcVersionRuntime ? "gnu" : "musl";
  // By rename: writing over a library that a running gantry has mapped would kill it with SIGBUS.
  const library = join(dist, "native", "ffi-rs.node");
  copyFileSync(require.resolve(`@yuuang/ffi-rs-linux-${process.arch}-${libc}`), `${library}.new`);
  renameSync(`${library}.new`, library);
  cpSync(join(root, "src/cli/shell"), join(dist, "shell"), { recursive: true });
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
  const directory = mkdtempSync(join(tmpdir(), "gantry-warm-up-"));
  const archive = join(directory, "image.tar");
  writeFileSync(archive, tinyImage(), "latin1");
  const environment = { ...process.env, GANTRY_ROOT: join(directory, "store") };
  const gantry = (words, more = {}) =>
    spawnSync(join(dist, "gantry"), words, { env: { ...environment, ...more }, stdio: "ignore", timeout: 30_000 });
  // Loading lasts long enough to compile as it goes; in the cache it would slow all the others down.
  gantry(["load", "-q", "-i", archive], { GANTRY_WARM_UP: "" });
  // A container that has something to commit.
  gantry(["create", "--name", "changed", "warm-up", "true"], { GANTRY_WARM_UP: "" });
  const containers = join(environment.GANTRY_ROOT, "containers");
  for (const id of existsSync(containers) ? readdirSync(containers) : []) {
    writeFileSync(join(containers, id, "upper", "file"), "changed");
  }
  // No container is started: that needs rights that who builds may not have. A failure here only makes commands slower.
  const commandLines = [
    ["images"],
    ["image", "inspect", "warm-up"],
    ["create", "--name", "warm-up", "warm-up", "true"],
    ["ps", "-a"],
    ["commit", "changed"],
    ["rm", "warm-up"],
    ["version"],
  ];
  for (const name of readdirSync(dist)) if (/^gantry\..*\.cache/.test(name)) rmSync(join(dist, name));
  gantry([], { GANTRY_WARM_UP: JSON.stringify(commandLines) });
  rmSync(directory, { recursive: true, force: true });
}

/** A docker-archive of an image with one empty directory. */
function tinyImage() {
  const layer = tar([["etc/", ""]]);
  const config = JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Cmd: ["true"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer, "latin1").digest("hex")}`] },
    history: [{ created: "2024-01-01T00:00:00Z", created_by: "warm-up" }],
  });
  const manifest = JSON.stringify([{ Config: "config.json", RepoTags: ["warm-up:latest"], Layers: ["layer.tar"] }]);
  return tar([
    ["config.json", config],
    ["layer.tar", layer],
    ["manifest.json", manifest],
  ]);
}

/** A ustar archive of files and, where the name ends in a slash, directories. */
function tar(entries) {
  const blocks = entries.flatMap(([name, content]) => {
    const body = Buffer.from(content, "latin1");
    const header = Buffer.alloc(512);
    const octal = (value, digits) => value.toString(8).padStart(digits, "0");
    header.write(name);
    header.write(
      `${octal(0o755, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(body.length, 11)}\0${octal(0, 11)}\0`,
      100,
    );
    header.write(`        ${name.endsWith("/") ? "5" : "0"}`, 148);
    header.write("ustar\u000000", 257, "latin1");
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${octal(sum, 6)}\0 `, 148);
    return [header, body, Buffer.alloc(-body.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]).toString("latin1");
}
