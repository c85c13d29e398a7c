import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Reporter } from "../../src/events/progress.ts";
import { loadImages } from "../../src/engine/load-image.ts";
import { openStore } from "../../src/store/open-store.ts";
import { dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";
import { altered, outcomeAsync, timeBoxed, TIMEOUT_MS } from "./time-boxed.ts";

/** In memory where that can be: a load waits for the disk. */
const work = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "gantry-fuzz-"));
const SILENT: Reporter = { emit: () => undefined, signal: new AbortController().signal };
const archives: Record<string, Buffer> = {};

async function layers(): Promise<Buffer[]> {
  return [
    await tarOf([
      [{ name: "dir/", type: "directory" }],
      [{ name: "dir/file", pax: { "SCHILY.xattr.user.a": "b" } }, "content\n".repeat(300)],
      [{ name: "dir/link", type: "symlink", linkname: "file" }],
      [{ name: "hard", type: "link", linkname: "dir/file" }],
    ]),
    await tarOf([
      [{ name: "dir/.wh.link" }, ""],
      [{ name: `long/${"n".repeat(150)}` }, "x"],
    ]),
  ];
}

/** An OCI archive whose first layer is gzip, the second zstd if that is installed. */
async function ociArchive(tars: Buffer[]): Promise<Buffer> {
  const zstd = (bytes: Buffer): Buffer => {
    try {
      return execFileSync("zstd", ["-c"], { input: bytes, stdio: ["pipe", "pipe", "ignore"] });
    } catch {
      return gzipSync(bytes);
    }
  };
  const blobs = [gzipSync(tars[0]!), zstd(tars[1]!)];
  const describe = (bytes: Buffer | string, mediaType: string): object => ({
    mediaType,
    digest: `sha256:${sha256(bytes)}`,
    size: bytes.length,
  });
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: tars.map((bytes) => `sha256:${sha256(bytes)}`) },
  });
  const media = "application/vnd.oci.image";
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: describe(config, `${media}.config.v1+json`),
    layers: blobs.map((bytes) => describe(bytes, `${media}.layer.v1.tar+gzip`)),
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      {
        ...describe(manifest, `${media}.manifest.v1+json`),
        annotations: { "org.opencontainers.image.ref.name": "made:1" },
      },
    ],
  });
  return tarOf([
    [{ name: "oci-layout" }, '{"imageLayoutVersion":"1.0.0"}'],
    [{ name: "index.json" }, index],
    ...[manifest, config, ...blobs].map((bytes) => [{ name: `blobs/sha256/${sha256(bytes)}` }, bytes] as const),
  ]);
}

beforeAll(async () => {
  const tars = await layers();
  archives["docker-archive"] = await dockerArchive(tars);
  archives["OCI archive"] = await ociArchive(tars);
  archives["gzip"] = gzipSync(archives["docker-archive"]);
});
afterAll(() => rmSync(work, { recursive: true }));

let count = 0;

/** What loading the archive, from a file or a pipe, into a fresh store gives: the images' ids, or why not. */
async function load(bytes: Buffer, pipe: boolean): Promise<string> {
  const root = join(work, `store-${count++}`);
  const file = join(work, "archive.tar");
  writeFileSync(file, bytes);
  let fd: number | undefined;
  try {
    const store = openStore(root);
    // A descriptor that is not at the file's beginning is read as a pipe is.
    fd = pipe ? openPipe(file) : undefined;
    const source = fd === undefined ? { path: file } : { fd };
    const result = await outcomeAsync(() => loadImages(store, source, {}, SILENT));
    const listed = store.images().map(({ id }) => id);
    if (typeof result !== "string") return result.map(({ image }) => image.id).join();
    expect(listed, "a refused archive left an image").toEqual([]);
    return result;
  } finally {
    if (fd !== undefined) closeSync(fd);
    rmSync(root, { recursive: true, force: true });
  }
}

/** Opens the file deleted: then it cannot be opened again by name, and is read forward like a pipe. */
function openPipe(file: string): number {
  const fd = openSync(file, "r");
  rmSync(file);
  return fd;
}

it.each(["docker-archive", "OCI archive", "gzip"])(
  "%s: with any byte altered, it loads as the same image or is refused",
  { timeout: TIMEOUT_MS },
  async (kind) => {
    const archive = archives[kind]!;
    const id = await load(archive, false);
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await load(archive, true)).toBe(id);
    let refused = 0;
    await timeBoxed(async (random) => {
      const bytes = Buffer.from(archive);
      // A bit, a byte, or a run of them.
      const at = random.below(bytes.length);
      if (random.chance(40)) bytes[at]! ^= 1 << random.below(8);
      else if (random.chance(70)) bytes[at] = random.below(256);
      else bytes.fill(random.below(256), at, Math.min(bytes.length, at + 1 + random.below(600)));
      const result = await load(bytes, random.chance(50));
      if (result.startsWith("sha256:")) expect(result).toBe(id);
      else refused++;
    });
    expect(refused).toBeGreaterThan(0);
  },
);

it(
  "however an archive is altered, what loads is an image and what is refused leaves nothing",
  { timeout: TIMEOUT_MS },
  async () => {
    await timeBoxed(async (random) => {
      await load(altered(archives[random.pick(["docker-archive", "OCI archive", "gzip"])]!, random), random.chance(50));
    });
  },
);
