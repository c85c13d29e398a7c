import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listImages } from "../../src/engine/list-images.ts";
import { planLoad } from "../../src/engine/plan-load.ts";
import { removeImage } from "../../src/engine/remove-image.ts";
import { tagImage } from "../../src/engine/tag-image.ts";
import type { ProgressEvent } from "../../src/events/progress.ts";
import { deltaAnnotations } from "../../src/image/delta.ts";
import { formatPlatform, parsePlatform } from "../../src/image/platform.ts";
import type { Digest } from "../../src/image/types.ts";
import { dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";
import { layerTar, LayoutMaker, MANIFEST_TYPE, multiPlatform } from "../tools/make-layout.ts";
import { SILENT, StoreUnderTest } from "./image-store.ts";

let store: StoreUnderTest;
beforeEach(() => {
  store = new StoreUnderTest();
});
afterEach(() => {
  store.dispose();
});

const file = (bytes: Buffer, name = "archive.tar"): { path: string } => {
  writeFileSync(store.path(name), bytes);
  return { path: store.path(name) };
};

async function directory(layout: LayoutMaker, name = "layout"): Promise<{ path: string }> {
  for (const [{ name: entry }, content] of layout.entries()) {
    const path = join(store.path(name), entry);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content as Buffer);
  }
  return Promise.resolve({ path: store.path(name) });
}

/** Loads, and returns what was warned of. */
async function warningsOf(source: { path: string }, options = {}): Promise<string[]> {
  const warnings: string[] = [];
  const emit = (event: ProgressEvent): void => {
    if (event.kind === "message") warnings.push(event.text);
  };
  await store.load(source, options, { ...SILENT, emit });
  return warnings;
}

const platforms = (name: string): string[] =>
  store
    .open()
    .resolveNamed(name)
    .platforms.map(({ platform }) => formatPlatform(platform));

const gzip = { compress: (tar: Buffer): Buffer => gzipSync(tar) };
const ALL = ["linux/arm64/v8", "linux/amd64", "linux/arm/v7"];

describe("an archive of a multi-platform image", () => {
  it.each(["file", "directory", "gzip"] as const)("is loaded with every platform, from a %s", async (kind) => {
    const { layout, images, index } = await multiPlatform(gzip);
    const archive = await layout.archive();
    const source = kind === "directory" ? await directory(layout) : file(kind === "file" ? archive : gzipSync(archive));
    const [loaded] = await store.load(source);
    expect(loaded?.names).toEqual(["multi:1"]);
    expect(platforms("multi:1")).toEqual(ALL);
    const opened = store.open();
    expect(opened.resolveImage("multi:1", { platform: parsePlatform("linux/arm") }).id).toBe(
      images["linux/arm/v7"]!.config.digest,
    );
    expect(opened.resolveImage("multi:1").index?.digest).toBe(index.digest);
    expect(opened.resolveNamed(`multi@${index.digest}`).platforms).toHaveLength(3);
    // Everything that came is kept as it came, attestations too; and no attestation is an image.
    for (const hex of layout.blobs.keys()) expect(opened.hasBlob(`sha256:${hex}`), hex).toBe(true);
    expect(opened.images()).toHaveLength(3);
    expect(listImages(opened).map(({ names }) => names)).toEqual([["docker.io/library/multi:1"]]);
    expect(store.problems()).toEqual([]);
  });

  it("is one image to tag, untag and rmi, and leaves nothing when it goes", async () => {
    const { layout, images } = await multiPlatform(gzip);
    await store.load(file(await layout.archive()));
    const opened = store.open();
    await tagImage(opened, "multi:1", "other:2");
    expect(platforms("other:2")).toEqual(ALL);
    const arm = images["linux/arm64/v8"]!.config.digest as Digest;
    await tagImage(opened, arm, "arm:1");
    expect(platforms("arm:1")).toEqual(["linux/arm64/v8"]);
    expect(opened.resolveImage("arm:1").index).toBeUndefined();
    await removeImage(opened, "other:2");
    expect(platforms("multi:1")).toEqual(ALL);
    await removeImage(opened, "multi:1");
    expect(opened.images().map(({ id }) => id)).toEqual([arm]);
    expect(store.problems()).toEqual([]);
    await removeImage(opened, "arm:1");
    expect(store.listing().filter((line) => /blobs\/.*\/.|layers\/./.test(line))).toEqual([]);
  });

  it("may list one of its manifests once more, under a name of its own", async () => {
    const { layout, images } = await multiPlatform(gzip);
    layout.list(images["linux/arm64/v8"]!.manifest, "foreign:1");
    await store.load(file(await layout.archive()));
    expect(platforms("multi:1")).toEqual(ALL);
    expect(platforms("foreign:1")).toEqual(["linux/arm64/v8"]);
    expect(store.open().resolveImage("foreign:1").index).toBeUndefined();
  });

  it("gives one platform after the other to the same name", async () => {
    const { layout } = await multiPlatform();
    const source = file(await layout.archive());
    await store.load(source, { platforms: [parsePlatform("linux/amd64")] });
    expect(platforms("multi:1")).toEqual(["linux/amd64"]);
    const [second] = await store.load(source, { platforms: [parsePlatform("linux/arm64")] });
    expect(second?.moved).toEqual([]);
    expect(platforms("multi:1").sort()).toEqual(["linux/amd64", "linux/arm64/v8"]);
    await expect(store.load(source, { platforms: [parsePlatform("s390x")] })).rejects.toMatchObject({
      code: "PLATFORM_NOT_FOUND",
      message: expect.stringMatching(/no image for linux\/s390x: it has linux\/arm64\/v8, linux\/amd64/) as string,
    });
    expect(store.problems()).toEqual([]);
  });

  it("keeps the compressed layers of its index although the image had come before without", async () => {
    const { layout, images } = await multiPlatform(gzip);
    const { config, layers } = images["linux/amd64"]!;
    const hex = (digest: string): string => digest.slice("sha256:".length);
    const old = await tarOf([
      ...layers.map(
        ({ digest }, n) => [{ name: `${n}/layer.tar` }, gunzipSync(layout.blobs.get(hex(digest))!)] as const,
      ),
      [{ name: "c.json" }, layout.blobs.get(hex(config.digest))!],
      [
        { name: "manifest.json" },
        JSON.stringify([{ Config: "c.json", RepoTags: ["old:1"], Layers: layers.map((_, n) => `${n}/layer.tar`) }]),
      ],
    ]);
    await store.load(file(old));
    await store.load(file(await layout.archive()));
    expect(store.open().resolveImage("old:1").manifest.digest).toBe(images["linux/amd64"]!.manifest.digest);
    expect(store.open().resolveImage("old:1").index).toBeUndefined();
    expect(store.problems()).toEqual([]);
  });

  it("with a byte changed in any blob is refused, and nothing is kept", async () => {
    const { layout } = await multiPlatform(gzip);
    store.open();
    const before = store.listing();
    for (const [hex, good] of [...layout.blobs]) {
      const bad = Buffer.from(good);
      bad[Math.floor(bad.length / 2)]! ^= 1;
      layout.blobs.set(hex, bad);
      await expect(store.load(file(await layout.archive())), hex).rejects.toThrow(
        expect.objectContaining({ kind: "invalid" }),
      );
      expect(store.listing()).toEqual(before);
      layout.blobs.set(hex, good);
    }
    await store.load(file(await layout.archive()));
  });

  it("that is sparse is loaded as far as it is there, and what is not is told", async () => {
    const { layout, images } = await multiPlatform(gzip);
    const gone = images["linux/arm/v7"]!.manifest.digest;
    const layer = images["linux/arm64/v8"]!.layers[1]!.digest;
    for (const digest of [gone, layer]) layout.without(digest);
    const source = file(await layout.archive());
    expect(await warningsOf(source)).toEqual([
      `multi:1: linux/arm/v7 is not in the archive (${gone})`,
      `multi:1: linux/arm64/v8 is not whole in the archive: ${layer} missing`,
    ]);
    expect(platforms("multi:1")).toEqual(["linux/amd64"]);
    expect(store.problems()).toEqual([]);
    expect(await warningsOf(source, { platforms: [parsePlatform("amd64")] })).toEqual([]);
    await expect(store.load(source, { platforms: [parsePlatform("arm64")] })).rejects.toMatchObject({
      code: "LAYER_MISSING",
      message: expect.stringContaining(layer) as string,
    });
    for (const { manifest } of Object.values(images)) layout.without(manifest.digest);
    await expect(store.load(file(await layout.archive()))).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining("linux/arm64/v8, linux/amd64, linux/arm/v7, none of which") as string,
    });
  });

  it("may nest indexes, to a limit that can be raised", async () => {
    const layout = new LayoutMaker();
    const image = layout.image("linux/amd64", [await layerTar("a")]);
    let index = layout.index([image.manifest]);
    for (let depth = 1; depth < 10; depth++) index = layout.index([index]);
    layout.list(index, "deep:1");
    const source = file(await layout.archive());
    await expect(store.load(source)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    await store.load(source, { limits: { nesting: 10 } });
    expect(store.open().resolveImage("deep:1").indexes[0]?.parts).toHaveLength(9);
    expect(store.problems()).toEqual([]);
  });

  it("may list its platforms in index.json itself, under one name or none", async () => {
    for (const name of ["flat:1", undefined]) {
      const layout = new LayoutMaker();
      for (const platform of ["linux/arm64", "linux/amd64"]) {
        layout.list(layout.image(platform, [await layerTar(platform)]).manifest, name);
      }
      const loaded = await store.load(file(await layout.archive()));
      expect(loaded).toHaveLength(1);
      expect(loaded[0]?.platforms.map(({ platform }) => platform.architecture)).toEqual(["arm64", "amd64"]);
      expect(loaded[0]?.names).toEqual(name === undefined ? [] : [name]);
    }
    expect(store.problems()).toEqual([]);
  });

  it("with a manifest.json for one platform, as Docker writes it, is loaded whole under the names of both", async () => {
    const { layout, images } = await multiPlatform({ name: "io.example/multi:1" });
    const { config, layers } = images["linux/amd64"]!;
    const blob = (digest: string): string => `blobs/sha256/${digest.slice("sha256:".length)}`;
    const entry = (tag: string): string =>
      JSON.stringify([
        { Config: blob(config.digest), RepoTags: [tag], Layers: layers.map(({ digest }) => blob(digest)) },
      ]);
    const archive = (tag: string): Promise<Buffer> =>
      tarOf([...layout.entries(), [{ name: "manifest.json" }, entry(tag)]]);
    const [loaded] = await store.load(file(await archive("second:2")));
    expect(loaded?.names).toEqual(["io.example/multi:1", "second:2"]);
    expect(loaded?.platforms).toHaveLength(3);
    const other = layout.image("linux/amd64", [await layerTar("other")]);
    layout.list(other.manifest, "second:2");
    await expect(store.load(file(await archive("second:2")))).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining("second:2 to different images") as string,
    });
  });
});

describe("choosing and naming what is loaded", () => {
  async function three(): Promise<{ path: string }> {
    const layout = new LayoutMaker();
    layout.list(layout.image("linux/amd64", [await layerTar("a")]).manifest, "one:1");
    layout.list(layout.image("linux/amd64", [await layerTar("b")]).manifest, "docker.io/two/two:2");
    layout.list(layout.image("linux/amd64", [await layerTar("c")]).manifest, "v3");
    return file(await layout.archive());
  }
  const names = async (options: object): Promise<string[][]> =>
    (await store.load(await three(), options)).map((loaded) => loaded.names);

  it("takes all, a bare tag naming nothing", async () => {
    expect(await names({})).toEqual([["one:1"], ["two/two:2"], []]);
  });

  it("takes only what is asked for by name, tag or digest", async () => {
    expect(await names({ only: ["two/two:2", "one:1"] })).toEqual([["one:1"], ["two/two:2"]]);
    const [third] = await store.load(await three(), { only: ["v3"] });
    expect(third?.names).toEqual([]);
    expect(await names({ only: [third!.image.id.slice(7, 19)] })).toEqual([[]]);
    await expect(names({ only: ["four"] })).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      message: expect.stringContaining("has no image four: it has one:1, two/two:2, v3") as string,
    });
  });

  it("names the one image that is taken, or those that are mapped", async () => {
    expect(await names({ only: ["v3"], tags: ["app", "app:3"] })).toEqual([["app:latest", "app:3"]]);
    expect(await names({ tags: ["v3=app:4", "one:1=uno"] })).toEqual([["uno:latest"], ["two/two:2"], ["app:4"]]);
    await expect(names({ tags: ["app"] })).rejects.toMatchObject({ code: "USAGE" });
    await expect(names({ tags: ["v3=App"] })).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
  });

  it("names several images with bare tags by a repository", async () => {
    const layout = new LayoutMaker();
    for (const tag of ["1.0", "1.1"]) layout.list(layout.image("linux/amd64", [await layerTar(tag)]).manifest, tag);
    const loaded = await store.load(file(await layout.archive()), { tags: ["example.com/app"] });
    expect(loaded.map((each) => each.names)).toEqual([["example.com/app:1.0"], ["example.com/app:1.1"]]);
  });
});

describe("a delta archive", () => {
  it("is completed from the store, and without it names every layer that is missing and the image that has them", async () => {
    const base = [await layerTar("base", "x".repeat(2000)), await layerTar("base2")];
    const layout = new LayoutMaker();
    const image = layout.image("linux/amd64", [...base, await layerTar("top")], gzip);
    layout.list(image.manifest, "app:2");
    const missing = image.layers.slice(0, 2).map(({ digest }) => digest);
    for (const digest of missing) layout.without(digest);
    const index = JSON.stringify({
      schemaVersion: 2,
      manifests: layout.listed,
      annotations: deltaAnnotations([{ id: `sha256:${"ab".repeat(32)}`, name: "docker.io/library/app:1" }]),
    });
    const entries = layout.entries().filter(([{ name }]) => name !== "index.json");
    const source = file(await tarOf([...entries, [{ name: "index.json" }, index]]));
    await expect(store.load(source)).rejects.toMatchObject({
      code: "LAYER_MISSING",
      message: expect.stringMatching(new RegExp(missing.map((digest) => `${digest} \\(\\d`).join(".*"))) as string,
      remedy: expect.stringContaining("load app:1 (abababababab) first") as string,
    });
    // The store has these layers, but not compressed: the image is the same, its manifest is of the tars.
    await store.load(file(await dockerArchive(base, { tag: "app:1" }), "base.tar"));
    const [loaded] = await store.load(source);
    expect(loaded?.image.id).toBe(image.config.digest);
    expect(loaded?.image.layers.map(({ diffId, blob }) => diffId === blob.digest)).toEqual([true, true, true]);
    expect(store.problems()).toEqual([]);
  });
});

describe("a dry run", () => {
  it.each([false, true])("says what a load would do and writes nothing (compressed: %s)", async (compressed) => {
    const { layout, images } = await multiPlatform(gzip);
    const bytes = await layout.archive();
    const source = file(compressed ? gzipSync(bytes) : bytes);
    await store.load(file(await dockerArchive([await layerTar("old")], { tag: "multi:1" }), "old.tar"));
    const before = store.listing();
    const plan = await planLoad(store.open(), source, {}, SILENT);
    expect(store.listing()).toEqual(before);
    expect(plan.problem).toBeUndefined();
    expect(plan.images).toMatchObject([{ names: ["multi:1"], moves: [{ name: "multi:1" }] }]);
    expect(plan.images[0]?.platforms.map(({ platform, known }) => [formatPlatform(platform), known])).toEqual(
      ALL.map((platform) => [platform, false]),
    );
    expect(plan.images[0]?.platforms[1]?.layers).toEqual(
      images["linux/amd64"]!.layers.map(({ digest, size }) => ({ digest, sizeBytes: size, state: "read" })),
    );
    await store.load(source);
    const again = await planLoad(store.open(), source, {}, SILENT);
    expect(again.images[0]).toMatchObject({
      moves: [],
      platforms: [{ known: true }, { known: true }, { known: true }],
    });
    expect(again.images[0]?.platforms.flatMap(({ layers }) => layers.map(({ state }) => state))).toEqual(
      Array(6).fill("stored"),
    );
  });
});

describe("archives as other tools write them", () => {
  it("kaniko, crane and jib: a config called sha256:HEX, layers called HEX.tar.gz", async () => {
    const layer = await layerTar("f");
    const config = JSON.stringify({
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    });
    const zipped = gzipSync(layer);
    const archive = (content: string): Promise<Buffer> =>
      tarOf([
        [{ name: `sha256:${sha256(config)}` }, content],
        [{ name: `${sha256(zipped)}.tar.gz` }, zipped],
        [
          { name: "manifest.json" },
          JSON.stringify([
            { Config: `sha256:${sha256(config)}`, RepoTags: ["k:1"], Layers: [`${sha256(zipped)}.tar.gz`] },
          ]),
        ],
      ]);
    const [loaded] = await store.load(file(await archive(config)));
    expect(loaded?.image.id).toBe(`sha256:${sha256(config)}`);
    await expect(store.load(file(await archive(`${config} `)))).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(store.problems()).toEqual([]);
  });

  it("everything in one directory, as tar makes it of a layout", async () => {
    const { layout } = await multiPlatform();
    for (const prefix of ["layout/", "./layout/", "/layout/"]) {
      const [loaded] = await store.load(file(await layout.archive(prefix)));
      expect(loaded?.platforms).toHaveLength(3);
    }
    expect(existsSync("/layout")).toBe(false);
  });

  it("layers that are not distributed with the image: where to get them is said", async () => {
    const layout = new LayoutMaker();
    const image = layout.image("windows/amd64", [await layerTar("f")]);
    const foreign = { ...image.layers[0]!, urls: ["https://example.com/layer"] };
    const config = image.config;
    layout.without(foreign.digest);
    const { platform } = image.manifest;
    const manifest = layout.blob({ schemaVersion: 2, config, layers: [foreign] }, MANIFEST_TYPE);
    layout.list({ ...manifest, ...(platform === undefined ? {} : { platform }) }, "win:1");
    await expect(store.load(file(await layout.archive()))).rejects.toMatchObject({
      code: "LAYER_MISSING",
      remedy: expect.stringContaining("https://example.com/layer") as string,
    });
  });

  it("docker before 1.10: refused by name", async () => {
    await expect(store.load(file(await tarOf([[{ name: "repositories" }, "{}"]])))).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining("docker before 1.10") as string,
    });
  });
});
