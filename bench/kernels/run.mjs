#!/usr/bin/env node
// The speed of each hash and compression kernel beside node:crypto and node:zlib, which run in turns with it on the
// same bytes; medians, in MB (10^6) of uncompressed bytes a second of CPU time: other work on the machine disturbs that
// less than time on the wall, and all of them use one thread at a time. Needs `npm run setup`.
//
//   node bench/kernels/run.mjs [FILE] [--mb 32] [--rounds 5] [--only NAME]
//
// FILE is what is hashed and compressed, an image's layer for example; without one, files of this machine's /usr.
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createGunzip, createGzip, gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const PIECE = 131072;

const options = { mb: 32, rounds: 5, only: "", file: undefined };
for (let i = 2; i < process.argv.length; i++) {
  const arg = process.argv[i];
  if (arg === "--mb" || arg === "--rounds") options[arg.slice(2)] = Number(process.argv[++i]);
  else if (arg === "--only") options.only = process.argv[++i];
  else options.file = arg;
}

/** The facades, bundled as the program's are, so that they find the kernels in dist/. */
async function facades() {
  const source = ["sha256", "inflate", "deflate", "zstd"]
    .map((name) => `export * from "./src/kernels/${name}.ts";`)
    .join("\n");
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "cjs",
    write: false,
    define: { "import.meta.url": "__url" },
    logLevel: "warning",
  });
  const module = { exports: {} };
  const url = pathToFileURL(join(root, "dist", "bench.cjs")).href;
  new Function("module", "exports", "require", "__url", outputFiles[0].text)(
    module,
    module.exports,
    createRequire(import.meta.url),
    url,
  );
  return module.exports;
}

function sample(bytes) {
  const buffer = Buffer.alloc(bytes);
  let filled = 0;
  const add = (path) => {
    const fd = openSync(path, "r");
    for (let got; filled < bytes && (got = readSync(fd, buffer, filled, bytes - filled, null)) > 0;) filled += got;
    closeSync(fd);
  };
  if (options.file !== undefined) add(options.file);
  else
    for (const directory of ["/usr/bin", "/usr/lib", "/usr/share/perl5", "/usr/include", "/usr/share/doc"]) {
      const wanted = filled + (bytes - filled) / 3;
      try {
        for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
          if (filled >= wanted) break;
          if (entry.isFile()) add(join(entry.parentPath ?? entry.path, entry.name));
        }
      } catch {
        // not there, or not readable: the others do
      }
    }
  return buffer.subarray(0, filled);
}

/** Runs a node stream over pieces; resolves with the number of bytes that came out. */
function throughStream(stream, input) {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    stream.on("data", (data) => (bytes += data.length));
    stream.on("end", () => resolve(bytes));
    stream.on("error", reject);
    for (let at = 0; at < input.length; at += PIECE) stream.write(input.subarray(at, at + PIECE));
    stream.end();
  });
}

function throughFacade(coder, input) {
  let bytes = 0;
  const count = (output) => (bytes += output.length);
  for (let at = 0; at < input.length; at += PIECE) coder.push(input.subarray(at, at + PIECE), count);
  coder.finish(count);
  return bytes;
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

const { Sha256, Sha256x4, GzipDecoder, GzipEncoder, ZstdDecoder, ZstdEncoder } = await facades();
const data = sample(options.mb * 1e6);
const gz = gzipSync(data, { level: 6 });
const zst = [];
{
  const encoder = await ZstdEncoder.create();
  encoder.push(data, (bytes) => zst.push(Buffer.from(bytes)));
  encoder.finish((bytes) => zst.push(Buffer.from(bytes)));
}
const zstd = Buffer.concat(zst);

const sha = (build) => () => {
  const hash = new Sha256({ build });
  // As the store does it: bytes arrive in the kernel's own memory.
  const input = hash.input;
  for (let at = 0; at < data.length; at += PIECE) {
    const piece = data.subarray(at, at + PIECE);
    input.set(piece);
    hash.consumeInput(piece.length);
  }
  hash.digest();
};
const sha4 = (build) => () => {
  const four = new Sha256x4({ build });
  for (let at = 0; at + 262144 <= data.length; at += 262144) {
    for (let lane = 0; lane < 4; lane++)
      four.inputs[lane].set(data.subarray(at + lane * 65536, at + lane * 65536 + 65536));
    four.consume([65536, 65536, 65536, 65536]);
  }
  for (let lane = 0; lane < 4; lane++) four.digest(lane);
  four.close();
};
/** Group, name, and what to run; the first of a group is the peer. A returned number is the size of the output. */
const contestants = [
  ["sha256", "node:crypto", () => void createHash("sha256").update(data).digest()],
  ["sha256", "gantry simd", sha("simd")],
  ["sha256", "gantry scalar", sha("scalar")],
  ["sha256", "gantry simd, 4 streams", sha4("simd")],
  ["gunzip", "node:zlib", () => throughStream(createGunzip({ chunkSize: PIECE }), gz)],
  ["gunzip", "gantry simd", () => throughFacade(new GzipDecoder({ build: "simd" }), gz)],
  ["gunzip", "gantry scalar", () => throughFacade(new GzipDecoder({ build: "scalar" }), gz)],
  ["gzip fast", "node:zlib -1", () => throughStream(createGzip({ level: 1, chunkSize: PIECE }), data)],
  ["gzip fast", "gantry fast", () => throughFacade(new GzipEncoder({ level: "fast" }), data)],
  ["gzip", "node:zlib -6", () => throughStream(createGzip({ level: 6, chunkSize: PIECE }), data)],
  ["gzip", "gantry default", () => throughFacade(new GzipEncoder({ level: "default" }), data)],
  ["zstd", "gantry decode", async () => throughFacade(await ZstdDecoder.create(), zstd)],
  ["zstd", "gantry encode 3", async () => throughFacade(await ZstdEncoder.create(), data)],
].filter(([group]) => group.startsWith(options.only));

const speeds = contestants.map(() => []);
const sizes = contestants.map(() => undefined);
for (let round = 0; round <= options.rounds; round++) {
  for (const [i, [, , run]] of contestants.entries()) {
    const start = process.cpuUsage();
    sizes[i] = await run();
    const used = process.cpuUsage(start);
    const seconds = (used.user + used.system) / 1e6;
    if (round > 0) speeds[i].push(data.length / 1e6 / seconds); // the first round compiles
  }
}
const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
console.log(
  `gantry ${version}, Node ${process.version}, ${cpus()[0].model}, ${data.length / 1e6} MB, median of ${options.rounds}`,
);
let peer = 0;
for (const [i, [group, name]] of contestants.entries()) {
  const speed = median(speeds[i]);
  if (i === 0 || contestants[i - 1][0] !== group) peer = speed;
  const ratio =
    sizes[i] === undefined || sizes[i] === data.length ? "" : `  ${(sizes[i] / data.length).toFixed(4)} of the size`;
  const times = speed === peer ? "" : `  ${(speed / peer).toFixed(2)} x`;
  console.log(`${group.padEnd(10)} ${name.padEnd(24)} ${speed.toFixed(0).padStart(6)} MB/s${times}${ratio}`);
}
