#!/usr/bin/env node
// `npm run demo [-- ARCHIVE]`: gantry's main job on a real image, in a store of its own under the temporary directory: load, inspect, run,
// commit, save, export. Without an archive it makes an image of this machine's busybox, or of its shell and the libraries that one needs.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

const given = process.argv[2] === undefined ? undefined : resolve(process.env.INIT_CWD ?? ".", process.argv[2]);
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
if (spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { stdio: "inherit" }).status !== 0) process.exit(1);
if (process.getuid() !== 0) {
  console.error("demo: containers need root for now: run `sudo npm run demo`");
  process.exit(1);
}
const gantry = join(root, "dist/gantry");
const work = mkdtempSync(join(tmpdir(), "gantry-demo-"));
const store = join(work, "store");

/** Shows a command as a user would type it, runs it, shows what it prints, and returns that. */
function run(...args) {
  console.log(`\n$ gantry ${args.map((a) => (/^[\w./:=@{}-]+$/.test(a) ? a : `'${a}'`)).join(" ")}`);
  const start = performance.now();
  const { status, stdout } = spawnSync(gantry, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, GANTRY_ROOT: store },
  });
  process.stdout.write(stdout);
  console.log(`[${(performance.now() - start).toFixed(0)} ms]`);
  if (status !== 0) throw new Error(`gantry ${args[0]} ended with status ${status}`);
  return stdout.toString().trim();
}

/** The files of a minimal image: [path in the image, file on this machine]; and its shell. */
function shellFiles() {
  const find = (...names) =>
    names.flatMap((n) => ["/bin", "/usr/bin"].map((d) => join(d, n))).find((p) => existsSync(p));
  const shell = find("busybox") ?? realpathSync(find("dash", "bash", "sh"));
  const programs = shell.endsWith("busybox") ? [shell] : [shell, find("cat"), find("ls")].filter(Boolean);
  const libraries = new Set();
  for (const program of programs) {
    const ldd = spawnSync("ldd", [program], { encoding: "utf8" });
    for (const match of ldd.stdout?.matchAll(/(\/\S+) \(0x/g) ?? []) libraries.add(match[1]);
  }
  const files = programs.map((p) => [`bin/${p.split("/").at(-1)}`, p]);
  if (shell.endsWith("busybox"))
    for (const applet of ["sh", "ls", "cat", "echo", "true"]) files.push([`bin/${applet}`, "busybox"]);
  else files.push(["bin/sh", shell.split("/").at(-1)]);
  return [...files, ...[...libraries].map((l) => [l.slice(1), realpathSync(l)])];
}

async function tarOf(entries, file) {
  const { pack } = await import("tar-stream");
  const stream = pack();
  const done = pipeline(stream, createWriteStream(file));
  for (const [header, content] of entries) stream.entry({ mtime: new Date(0), uid: 0, gid: 0, ...header }, content);
  stream.finalize();
  await done;
}

async function makeImage() {
  const archive = join(work, "image.tar");
  const layer = join(work, "layer.tar");
  const directories = new Set(["tmp/"]);
  const entries = [];
  for (const [name, source] of shellFiles()) {
    for (let at = name.indexOf("/"); at > 0; at = name.indexOf("/", at + 1)) directories.add(name.slice(0, at + 1));
    if (source.startsWith("/")) entries.push([{ name, mode: statSync(source).mode & 0o777 }, readFileSync(source)]);
    else entries.push([{ name, type: "symlink", linkname: source }]);
  }
  const folders = [...directories]
    .sort()
    .map((name) => [{ name, type: "directory", mode: name === "tmp/" ? 0o1777 : 0o755 }]);
  await tarOf([...folders, ...entries], layer);
  const diffId = createHash("sha256").update(readFileSync(layer)).digest("hex");
  const config = JSON.stringify({
    architecture: { x64: "amd64" }[process.arch] ?? process.arch,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: { Env: ["PATH=/bin:/usr/bin"], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${diffId}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "the demo: this machine's shell" }],
  });
  const id = createHash("sha256").update(config).digest("hex");
  const manifest = JSON.stringify([
    { Config: `${id}.json`, RepoTags: ["demo:latest"], Layers: [`${diffId}/layer.tar`] },
  ]);
  await tarOf(
    [
      [{ name: `${diffId}/layer.tar` }, readFileSync(layer)],
      [{ name: `${id}.json` }, config],
      [{ name: "manifest.json" }, manifest],
    ],
    archive,
  );
  return archive;
}

try {
  const archive = given ?? (await makeImage());
  console.log(`gantry's main job on ${given ?? "an image made of this machine's own shell"}; store: ${store}`);
  const image = run("load", "-i", archive).match(/^Loaded image(?: ID)?: (.*)$/m)[1];
  run("images");
  run(
    "inspect",
    "--format",
    "{{.Os}}/{{.Architecture}}, {{len .RootFS.Layers}} layer(s), command {{.Config.Cmd}}",
    image,
  );
  run("run", "--rm", "--entrypoint", "/bin/sh", image, "-c", "echo hello from a container, process $$; ls /");
  run("run", "--name", "changed", "--entrypoint", "/bin/sh", image, "-c", "echo kept > /tmp/kept");
  run("commit", "-m", "a file more", "changed", "demo-committed:1");
  run("run", "--rm", "--entrypoint", "/bin/sh", "demo-committed:1", "-c", "cat /tmp/kept");
  run("save", "-o", join(work, "saved.tar"), "demo-committed:1");
  run("export", "-o", join(work, "exported.tar"), "changed");
  const listed = execFileSync("tar", ["tf", join(work, "exported.tar")], { encoding: "utf8", maxBuffer: 1 << 28 })
    .trim()
    .split("\n");
  console.log(
    `exported.tar holds ${listed.length} entries, ${listed.some((n) => /^(\.\/)?tmp\/kept$/.test(n)) ? "tmp/kept among them" : "but not tmp/kept!"}`,
  );
  run("history", "demo-committed:1");
  run("rm", "changed");
} finally {
  rmSync(work, { recursive: true, force: true });
}
