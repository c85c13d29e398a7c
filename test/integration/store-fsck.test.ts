import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CheckReport, checkStore } from "../../src/engine/fsck/check-store.ts";
import { FINDING_CODES } from "../../src/engine/fsck/finding.ts";
import { removeImage } from "../../src/engine/remove-image.ts";
import { chainIndex } from "../../src/snapshot/chain-index.ts";
import type { Image } from "../../src/image/types.ts";
import type { Store } from "../../src/store/store.ts";
import { dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";
import { SILENT, StoreUnderTest } from "./image-store.ts";

let work: StoreUnderTest;
let store: Store;
let app: Image;
let zipped: Image;
const seen = new Set<string>();

beforeEach(async () => {
  work = new StoreUnderTest();
  store = work.open();
  app = await load("app.tar", ["a", "b"], false);
  zipped = await load("zipped.tar", ["c"], true);
  await chainIndex(
    store,
    app.layers.map((layer) => layer.diffId),
  );
});
afterEach(() => {
  work.dispose();
});

async function load(file: string, names: string[], zip: boolean): Promise<Image> {
  const layers = await Promise.all(names.map((name) => tarOf([[{ name, mtime: new Date(0) }, name.repeat(3000)]])));
  if (!existsSync(work.path(file))) {
    const plain = { tag: `${file.split(".")[0]!}:1`, diffIds: layers.map(sha256) };
    writeFileSync(work.path(file), zip ? await ociArchive(layers[0] as Buffer) : await dockerArchive(layers, plain));
  }
  return ((await work.load({ path: work.path(file) }))[0] as { image: Image }).image;
}

/** An OCI archive with one gzip layer, so that the blob is not the tar. */
async function ociArchive(layer: Buffer): Promise<Buffer> {
  const blob = gzipSync(layer);
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const part = (type: string, bytes: Buffer | string) => ({
    mediaType: `application/vnd.oci.image.${type}`,
    digest: `sha256:${sha256(bytes)}`,
    size: bytes.length,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: part("config.v1+json", config),
    layers: [part("layer.v1.tar+gzip", blob)],
  });
  const index = {
    schemaVersion: 2,
    manifests: [
      { ...part("manifest.v1+json", manifest), annotations: { "org.opencontainers.image.ref.name": "zipped:1" } },
    ],
  };
  return tarOf([
    [{ name: "oci-layout" }, '{"imageLayoutVersion":"1.0.0"}'],
    [{ name: "index.json" }, JSON.stringify(index)],
    ...[config, manifest, blob].map(
      (bytes) => [{ name: `blobs/sha256/${sha256(bytes)}` }, bytes] as [{ name: string }, Buffer | string],
    ),
  ]);
}

async function check(options: { deep?: boolean; repair?: boolean } = {}): Promise<CheckReport> {
  const report = await checkStore(work.root, options, SILENT);
  for (const { code } of [...report.left, ...report.repaired]) seen.add(code);
  return report;
}

const codes = (findings: readonly { code: string }[]): string[] => findings.map(({ code }) => code).sort();

/** Finds `expected` (quick, or deep), repairs it all, and is sound with the same bytes as before. */
async function heals(expected: string[], deep = false, before = work.listing()): Promise<CheckReport> {
  expect(codes((await check({ deep })).left)).toEqual(expected);
  const report = await check({ deep, repair: true });
  expect({ left: report.left, repaired: codes(report.repaired) }).toEqual({ left: [], repaired: expected });
  expect((await check({ deep: true })).left).toEqual([]);
  expect(content(work.listing())).toEqual(content(before));
  return report;
}

/** Without what is in quarantine, and without caches, which are made at need. */
const content = (lines: string[]): string[] => lines.filter((line) => !/^(?:quarantine|chains|events)\//.test(line));

const flip = (path: string): void => {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] as number) ^ 1;
  rmSync(path);
  writeFileSync(path, bytes);
};
const layerOf = (image: Image, n = 0): Image["layers"][number] => image.layers[n]!;

describe("fsck of a sound store", () => {
  it("finds nothing, also deep, and accounts for every block that du counts", async () => {
    const { left, disk, images, layers } = await check({ deep: true });
    expect({ left, images, layers }).toEqual({ left: [], images: 2, layers: 3 });
    const { totalBytes, ...uses } = disk;
    expect(Object.values(uses).reduce((sum, bytes) => sum + bytes, 0)).toBe(totalBytes);
    const du = spawnSync("du", ["-s", "--block-size=1", work.root]).stdout.toString();
    expect(totalBytes).toBe(Number.parseInt(du, 10));
    expect(disk).toMatchObject({ unneededBytes: 0, inFlightBytes: 0 });
  });

  it("counts what a running command has in the making as in flight, and leaves it alone", async () => {
    const scratch = await store.scratch();
    writeFileSync(join(scratch.path, "half"), Buffer.alloc(50_000, 1));
    const { left, disk } = await check({ deep: true, repair: true });
    expect(left).toEqual([]);
    expect(disk.inFlightBytes).toBeGreaterThan(50_000);
    expect(existsSync(join(scratch.path, "half"))).toBe(true);
    await scratch.dispose();
  });
});

describe("fsck --repair makes again", () => {
  it("an index from its tar: lost, cut, or of other bytes", async () => {
    const index = store.layout.layerIndex(layerOf(app).diffId);
    const before = work.listing();
    rmSync(index);
    await heals(["layer-index"], false, before);
    truncateSync(index, 100);
    await heals(["layer-index"], false, before);
    copyFileSync(store.layout.layerIndex(layerOf(app, 1).diffId), index);
    await heals(["chain-invalid", "layer-index"], true, before);
  });

  it("a tar from its compressed blob, and a blob from the tar of the same bytes", async () => {
    const before = work.listing();
    rmSync(store.layout.layerTar(layerOf(zipped).diffId));
    await heals(["layer-missing"], false, before);
    truncateSync(store.layout.layerTar(layerOf(zipped).diffId), 1000);
    await heals(["layer-size"], false, before);
    flip(store.layout.layerTar(layerOf(zipped).diffId));
    await heals(["layer-digest"], true, before);
    rmSync(store.layout.blob(layerOf(app).blob.digest));
    await heals(["blob-missing"], false, before);
    rmSync(store.layout.layerDir(layerOf(app, 1).diffId), { recursive: true });
    await heals(["layer-missing"], false, before);
  });

  it("one file of two with the same bytes", async () => {
    const blob = store.layout.blob(layerOf(app).blob.digest);
    const before = work.listing();
    copyFileSync(blob, `${blob}.copy`);
    renameSync(`${blob}.copy`, blob);
    await heals(["layer-twice"], false, before);
  });

  it("the manifest that gantry made", async () => {
    const before = work.listing();
    rmSync(store.layout.blob(app.manifest.digest));
    await heals(["blob-missing"], false, before);
    appendFileSync(store.layout.blob(app.manifest.digest), " ");
    await heals(["blob-size"], false, before);
  });

  it("caches, by removing them", async () => {
    const [name] = readdirSync(store.layout.chainsDir());
    truncateSync(join(store.layout.chainsDir(), name!), 50);
    expect(codes((await check({ repair: true })).repaired)).toEqual(["chain-invalid"]);
    expect(readdirSync(store.layout.chainsDir())).toEqual([]);
    writeFileSync(store.layout.chainIndex(`sha256:${"1".repeat(64)}`), "of nothing");
    expect(codes((await check({ repair: true })).repaired)).toEqual(["chain-unneeded"]);
    expect((await check()).left).toEqual([]);
  });

  it("images.json, with all names, from its backup; without it the images, and the names that containers tell", async () => {
    const before = work.listing();
    writeFileSync(store.layout.imagesFile(), "{");
    await heals(["records-unreadable"], false, before);
    rmSync(store.layout.imagesFile());
    expect(() => store.images()).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
    await heals(["records-unreadable"], false, before);
    makeContainer();
    rmSync(store.layout.imagesFile());
    rmSync(store.layout.imagesBackup());
    expect(codes((await check({ repair: true })).repaired)).toEqual(["records-unreadable"]);
    expect(work.open().resolveImage("app:1").id).toBe(app.id);
    expect(
      work
        .open()
        .images()
        .map((image) => image.names.length),
    ).toEqual(expect.arrayContaining([0, 1]));
    expect((await check({ deep: true })).left).toEqual([]);
  });

  it("records that are none, doubled or at odds", async () => {
    const read = (): { images: object[] } =>
      JSON.parse(readFileSync(store.layout.imagesFile(), "utf8")) as { images: object[] };
    const write = (images: object[]): void =>
      writeFileSync(store.layout.imagesFile(), JSON.stringify({ version: 1, images }));
    const { images } = read();
    write([...images, images[0]!]);
    expect(codes((await check({ repair: true })).repaired)).toContain("image-invalid");
    write([images[0]!, { ...images[1], id: "nonsense" }]);
    expect(codes((await check({ repair: true })).repaired)).toContain("image-invalid");
    expect(work.open().images()).toHaveLength(2);
    write(images.map((image) => ({ ...image, names: ["docker.io/library/both:1"] })));
    expect(codes((await check({ repair: true })).repaired)).toEqual(["image-name"]);
    expect((await check({ deep: true })).left).toEqual([]);
  });

  it("version.json", async () => {
    const before = work.listing();
    writeFileSync(store.layout.versionFile(), "?");
    await heals(["version-unreadable"], false, before);
    rmSync(store.layout.versionFile());
    expect(() => work.open()).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
    await heals(["version-unreadable"], false, before);
  });

  it("names and files of containers", async () => {
    const id = makeContainer();
    const before = work.listing();
    const link = store.layout.containerName("boat");
    rmSync(link);
    await heals(["container-name"], false, before);
    symlinkSync("f".repeat(64), store.layout.containerName("ghost"));
    await heals(["name-dangling"], false, before);
    rmSync(join(store.layout.container(id), "work"), { recursive: true });
    await heals(["container-file"], false, before);
    writeFileSync(join(store.layout.container(id), "status.json"), "{");
    await heals(["container-file"], false, before);
    writeFileSync(join(store.layout.container(id), "container.json"), "{");
    const { left } = await check({ repair: true });
    expect(codes(left)).toEqual(["container-record"]);
    expect(left[0]?.remedy).toContain("gantry rm -f");
  });
});

describe("fsck --repair removes", () => {
  it("what nothing needs; what is not gantry's goes into quarantine", async () => {
    const before = work.listing();
    writeFileSync(store.layout.blob(`sha256:${"0".repeat(64)}`), "nobody's");
    mkdirSync(store.layout.layerDir(`sha256:${"0".repeat(64)}`));
    mkdirSync(join(store.layout.tmpDir(), "rubbish"));
    writeFileSync(join(work.root, "notes.txt"), "mine");
    writeFileSync(join(store.layout.layerDir(layerOf(app).diffId), "extra"), "?");
    const { quarantine } = await heals(
      ["blob-unneeded", "file-unknown", "file-unknown", "layer-unneeded"],
      false,
      before,
    );
    expect(readFileSync(join(quarantine!, "notes.txt"), "utf8")).toBe("mine");
  });

  it("nothing, while a damaged image may need it", async () => {
    const { digest } = layerOf(zipped).blob;
    rmSync(store.layout.blob(zipped.manifest.digest));
    const { left } = await check({ repair: true });
    expect(codes(left)).toEqual(["blob-missing", "blob-unneeded"]);
    expect(store.hasBlob(digest)).toBe(true);
    await removeImage(store, "zipped:1");
    expect((await check({ deep: true })).left).toEqual([]);
    expect(store.hasBlob(digest)).toBe(false);
  });
});

describe("what cannot be made again is named, and loading the image again puts it back", () => {
  const damages: Record<string, () => void> = {
    "a compressed blob that is lost": () => rmSync(store.layout.blob(layerOf(zipped).blob.digest)),
    "a compressed blob that is cut": () => truncateSync(store.layout.blob(layerOf(zipped).blob.digest), 20),
    "a compressed blob with a wrong bit": () => flip(store.layout.blob(layerOf(zipped).blob.digest)),
    "a config that is lost": () => rmSync(store.layout.blob(zipped.id)),
    "a config with other bytes": () => writeFileSync(store.layout.blob(zipped.id), "{}"),
    "a manifest that is lost": () => rmSync(store.layout.blob(zipped.manifest.digest)),
    "a layer that is lost": () => {
      rmSync(store.layout.blob(layerOf(app).diffId));
      rmSync(store.layout.layerDir(layerOf(app).diffId), { recursive: true });
    },
    "a layer that is cut": () => truncateSync(store.layout.layerTar(layerOf(app).diffId), 600),
    "a layer with a wrong bit": () => {
      rmSync(store.layout.blob(layerOf(app).diffId));
      flip(store.layout.layerTar(layerOf(app).diffId));
      copyFileSync(store.layout.layerTar(layerOf(app).diffId), store.layout.blob(layerOf(app).diffId));
    },
  };
  it.each(Object.keys(damages))("%s", async (name) => {
    const before = work.listing();
    damages[name]!();
    const found = (await check({ deep: true })).left;
    expect(found.length).toBeGreaterThan(0);
    const image = name.includes("layer") ? "app" : "zipped";
    const { left } = await check({ deep: true, repair: true });
    const telling = left.filter(({ users }) => users.includes(`${image}:1`));
    expect(telling.length).toBeGreaterThan(0);
    expect(telling.map(({ remedy }) => remedy).join()).toMatch(new RegExp(`Load ${image}:1 again`));
    await work.load({ path: work.path(`${image}.tar`) });
    expect((await check({ deep: true })).left).toEqual([]);
    expect(content(work.listing()).map(untimed)).toEqual(content(before).map(untimed));
  });

  it.each([
    "a compressed blob that is lost",
    "a compressed blob that is cut",
    "a config that is lost",
    "a manifest that is lost",
    "a layer that is lost",
    "a layer that is cut",
  ])("%s, without any repair before", async (name) => {
    damages[name]!();
    await work.load({ path: work.path(name.includes("layer") ? "app.tar" : "zipped.tar") });
    expect((await check({ deep: true })).left).toEqual([]);
  });
});

it("each code of a finding was found by one of these tests, but for those of disks that fail", () => {
  const never = ["blob-unreadable", "layer-unreadable", "scratch-abandoned"];
  expect(FINDING_CODES.filter((code) => !seen.has(code) && !never.includes(code))).toEqual([]);
});

/** images.json says when a name was last given. */
function untimed(line: string): string {
  return line.startsWith("images.json") ? "images.json" : line;
}

/** A container as `create` makes one, as far as fsck looks. */
function makeContainer(): string {
  const id = "c".repeat(64);
  const directory = store.layout.container(id);
  for (const name of ["", "upper", "work", "rootfs"]) mkdirSync(join(directory, name), { recursive: true });
  const record = {
    version: 1,
    id,
    name: "boat",
    image: app.id,
    layers: app.layers.map((layer) => layer.diffId),
    config: { Image: "app:1" },
  };
  writeFileSync(join(directory, "container.json"), JSON.stringify(record));
  symlinkSync(id, store.layout.containerName("boat"));
  return id;
}
