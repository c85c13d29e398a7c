// Makes docker-archives of any shape, the same bytes each time: for scale series, and where no real images are at hand.
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

const BLOCK = 512;
const PIECE = 1 << 20;

/**
 * Writes an image of `layers` layers which together hold `files` files and about `bytes` bytes.
 * @param path where the archive goes; complete or not there
 */
export function makeImage(path, { name, layers, files, bytes }) {
  const work = mkdtempSync(join(dirname(path), ".making-"));
  try {
    const content = sampleBytes(4 << 20);
    const made = Array.from({ length: layers }, (_, n) => {
      const file = join(work, `layer-${n}.tar`);
      const count = Math.floor(((n + 1) * files) / layers) - Math.floor((n * files) / layers);
      return { file, name: `layer-${n}/layer.tar`, diffId: writeLayer(file, n, count, bytes / files, content) };
    });
    const config = JSON.stringify({
      architecture: { x64: "amd64", arm64: "arm64" }[process.arch],
      os: "linux",
      created: "2024-01-01T00:00:00Z",
      config: { Cmd: ["sh"] },
      history: made.map((_, n) => ({ created: "2024-01-01T00:00:00Z", created_by: `layer ${n}` })),
      rootfs: { type: "layers", diff_ids: made.map(({ diffId }) => `sha256:${diffId}`) },
    });
    const Config = `${createHash("sha256").update(config).digest("hex")}.json`;
    const manifest = JSON.stringify([{ Config, RepoTags: [name], Layers: made.map((layer) => layer.name) }]);
    const archive = join(work, "archive.tar");
    const fd = openSync(archive, "wx");
    for (const layer of made) {
      const { size } = statSync(layer.file);
      writeAll(fd, header(layer.name, size));
      copy(layer.file, fd);
      rmSync(layer.file);
    }
    for (const [member, text] of [
      [Config, config],
      ["manifest.json", manifest],
    ]) {
      writeAll(fd, header(member, Buffer.byteLength(text)));
      writeAll(fd, padded(Buffer.from(text)));
    }
    writeAll(fd, Buffer.alloc(2 * BLOCK));
    closeSync(fd);
    renameSync(archive, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Files of about `mean` bytes, a hundred a directory; returns the tar's SHA-256. */
function writeLayer(path, layer, count, mean, content) {
  const hash = createHash("sha256");
  const fd = openSync(path, "wx");
  const put = (bytes) => {
    hash.update(bytes);
    writeAll(fd, bytes);
  };
  for (let n = 0; n < count; n++) {
    const directory = `data/layer-${layer}/${Math.floor(n / 100)}`;
    if (n === 0) for (const parent of ["data/", `data/layer-${layer}/`]) put(header(parent, 0, "5", 0o755));
    if (n % 100 === 0) put(header(`${directory}/`, 0, "5", 0o755));
    // From half to one and a half of the mean, spread over the directory.
    let left = Math.round(mean * (0.5 + ((n * 37) % 101) / 100));
    put(header(`${directory}/file-${n}`, left));
    const padding = (BLOCK - (left % BLOCK)) % BLOCK;
    for (let at = ((layer * 7919 + n) * 104729) % (content.length / 2); left > 0; at = 0) {
      const piece = content.subarray(at, at + Math.min(left, PIECE));
      put(piece);
      left -= piece.length;
    }
    put(Buffer.alloc(padding));
  }
  put(Buffer.alloc(2 * BLOCK));
  closeSync(fd);
  return hash.digest("hex");
}

/** Half noise, half words, in runs of 4 KiB: compresses about as programs do. */
function sampleBytes(size) {
  const bytes = Buffer.alloc(size);
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  for (let at = 0; at < size; at++) {
    bytes[at] = (at >> 12) % 2 === 0 ? next() >>> 24 : 97 + ((at * (1 + (at >> 14))) % 23);
  }
  return bytes;
}

function header(name, size, type = "0", mode = 0o644) {
  const block = Buffer.alloc(BLOCK);
  const put = (at, field) => block.write(field, at, "latin1");
  put(0, name);
  put(100, `${mode.toString(8).padStart(7, "0")}\0`);
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(136, "14544320000\0");
  put(148, "        ");
  put(156, type);
  put(257, "ustar\x0000");
  put(
    148,
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
  );
  return block;
}

const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);

function copy(path, fdOut) {
  const fd = openSync(path, "r");
  const buffer = Buffer.alloc(PIECE);
  for (let got; (got = readSync(fd, buffer, 0, PIECE, null)) > 0;) writeAll(fdOut, buffer.subarray(0, got));
  closeSync(fd);
}

function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
}
