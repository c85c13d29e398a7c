import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutputTarget } from "../../src/archive/output-file.ts";
import type { LoadedImage } from "../../src/engine/load-image.ts";
import { saveImages, type SaveOptions } from "../../src/engine/save-image.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import type { ImageIndex, ImageManifest } from "../../src/image/types.ts";
import { missing } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";
import { multiPlatform } from "../tools/make-layout.ts";
import { SILENT, StoreUnderTest } from "./image-store.ts";

const GZIP: SaveOptions["compression"] = { kind: "gzip", level: 6 };
const ZSTD: SaveOptions["compression"] = { kind: "zstd", level: 3 };

let store: StoreUnderTest;
beforeEach(() => {
  store = new StoreUnderTest();
});
afterEach(() => {
  store.dispose();
});

const save = (names: string[], target: OutputTarget | string, options: SaveOptions = {}): Promise<{ bytes: number }> =>
  saveImages(store.open(), names, typeof target === "string" ? { path: store.path(target) } : target, options, SILENT);

/** An image `tag` whose lowest layers are those of `below` others. */
async function loadMade(tag: string, layers: string[]): Promise<void> {
  const tars = await Promise.all(
    layers.map((name) => tarOf([[{ name, mtime: new Date(1e12) }, `${name} `.repeat(9000)]])),
  );
  writeFileSync(store.path("made.tar"), await dockerArchive(tars, { tag }));
  await store.load({ path: store.path("made.tar") });
}

const member = (archive: string, name: string): Buffer =>
  execFileSync("tar", ["xOf", store.path(archive), name], { maxBuffer: 1 << 28 });
const members = (archive: string): string[] =>
  execFileSync("tar", ["tf", store.path(archive)], { encoding: "utf8" })
    .trimEnd()
    .split("\n");
const blobOf = (archive: string, digest: string): Buffer => member(archive, `blobs/sha256/${digest.slice(7)}`);
const indexOf = (archive: string): ImageIndex => JSON.parse(member(archive, "index.json").toString()) as ImageIndex;
const manifestOf = (archive: string): ImageManifest =>
  JSON.parse(blobOf(archive, indexOf(archive).manifests[0]!.digest).toString()) as ImageManifest;
const layoutIndex = (name: string): ImageIndex =>
  JSON.parse(readFileSync(store.path(`${name}/index.json`), "utf8")) as ImageIndex;
const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const code = (code: string): unknown => expect.objectContaining({ code });

describe("an OCI archive", () => {
  it("is a layout and nothing else, what leads to the blobs first", async () => {
    await loadMade("a:1", ["x", "y"]);
    await save(["a:1"], "a.tar", { format: "oci-archive" });
    const names = members("a.tar");
    expect(names.slice(0, 2)).toEqual(["oci-layout", "index.json"]);
    expect(names.filter((name) => !name.startsWith("blobs/"))).toEqual(["oci-layout", "index.json"]);
    for (const name of names.filter((path) => /[0-9a-f]{64}$/.test(path)))
      expect(sha256(member("a.tar", name)).slice(7)).toBe(name.slice(-64));
  });

  it("gives each name a reference of its own: the tag, or the whole name where tags are the same", async () => {
    await loadMade("a:1", ["x"]);
    await loadMade("b:1", ["y"]);
    await loadMade("c:2", ["z"]);
    const references = async (...names: string[]): Promise<unknown> => {
      await save(names, "a.tar", { format: "oci-archive" });
      return indexOf("a.tar").manifests.map((line) => line.annotations?.["org.opencontainers.image.ref.name"]);
    };
    expect(await references("a:1", "c:2")).toEqual(["1", "2"]);
    expect(await references("a:1", "b:1", "c:2")).toEqual(["a:1", "b:1", "2"]);
  });

  it("is loaded again with its manifest's digest", async () => {
    await loadMade("a:1", ["x", "y"]);
    const { manifest, id } = store.open().resolveImage("a:1");
    await save(["a:1"], "a.tar", { format: "oci-archive" });
    const other = new StoreUnderTest();
    try {
      const [again] = await other.load({ path: store.path("a.tar") });
      expect(again?.image).toMatchObject({ id, manifest, names: ["docker.io/library/a:1"] });
    } finally {
      other.dispose();
    }
  });
});

describe("an OCI layout directory", () => {
  const listing = (name: string): string[] =>
    readdirSync(store.path(name), { recursive: true, encoding: "utf8" }).sort();

  it("is made whole, with nothing beside it", async () => {
    await loadMade("a:1", ["x", "y"]);
    mkdirSync(store.path("out"));
    await save(["a:1"], "out/layout", { format: "oci-dir" });
    expect(readdirSync(store.path("out"))).toEqual(["layout"]);
    expect(readdirSync(store.path("out/layout")).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(listing("out/layout").filter((path) => /[0-9a-f]{64}$/.test(path))).toHaveLength(4);
    await save(["a:1"], "a.tar", { format: "oci-archive" });
    expect(layoutIndex("out/layout")).toEqual(indexOf("a.tar"));
  });

  it("takes further images, moves names, and keeps what other tools put into it", async () => {
    await loadMade("a:1", ["x"]);
    await loadMade("b:1", ["x", "y"]);
    await save(["a:1"], "layout", { format: "oci-dir" });
    const before = layoutIndex("layout");
    writeFileSync(
      store.path("layout/index.json"),
      JSON.stringify({ ...before, annotations: { kept: "yes" }, extra: [1] }),
    );
    await save(["b:1"], "layout", { format: "oci-dir" });
    const both = layoutIndex("layout");
    expect(both).toMatchObject({ annotations: { kept: "yes" }, extra: [1] });
    expect(both.manifests.map((line) => line.annotations?.["org.opencontainers.image.ref.name"])).toEqual(["1", "b:1"]);
    const size = listing("layout").length;
    await loadMade("a:1", ["z"]);
    await save(["a:1"], "layout", { format: "oci-dir" });
    const moved = layoutIndex("layout").manifests;
    expect(moved.map((line) => line.annotations?.["io.containerd.image.name"])).toEqual([
      "docker.io/library/b:1",
      "docker.io/library/a:1",
    ]);
    expect(moved[1]?.digest).toBe(store.open().resolveImage("a:1").manifest.digest);
    expect(listing("layout").length).toBe(size + 3);
  });

  it("is refused where a directory is something else, and then untouched", async () => {
    await loadMade("a:1", ["x"]);
    mkdirSync(store.path("home"));
    writeFileSync(store.path("home/letter"), "dear");
    await expect(save(["a:1"], "home", { format: "oci-dir" })).rejects.toThrow(code("OUTPUT_INVALID"));
    await expect(save(["a:1"], "home/letter", { format: "oci-dir" })).rejects.toThrow(code("OUTPUT_INVALID"));
    await expect(save(["a:1"], "no/such/dir", { format: "oci-dir" })).rejects.toThrow(code("OUTPUT_INVALID"));
    expect(listing("home")).toEqual(["letter"]);
  });

  it("stays as it was, or away, when a save into it fails", async () => {
    await loadMade("a:1", ["x"]);
    await loadMade("b:1", ["y"]);
    await save(["a:1"], "layout", { format: "oci-dir" });
    mkdirSync(store.path("empty"));
    const before = listing("layout");
    const signal = AbortSignal.abort();
    for (const path of ["layout", "fresh", "empty"]) {
      const target = { path: store.path(path) };
      await expect(
        saveImages(store.open(), ["b:1"], target, { format: "oci-dir" }, { ...SILENT, signal }),
      ).rejects.toThrow(code("CANCELLED"));
    }
    expect(listing("layout")).toEqual(before);
    expect(listing("empty")).toEqual([]);
    expect(existsSync(store.path("fresh"))).toBe(false);
    expect(readdirSync(store.directory).filter((name) => name.startsWith("."))).toEqual([]);
    await save(["b:1"], "empty", { format: "oci-dir" });
    expect(layoutIndex("empty").manifests).toHaveLength(1);
  });

  it("clears away what a save to the same place left that was killed", async () => {
    await loadMade("a:1", ["x"]);
    for (const name of [
      ".layout.unfinished-0123456789ab",
      ".layout.unfinished-of-mine",
      ".other.unfinished-0123456789ab",
    ])
      mkdirSync(store.path(name));
    await save(["a:1"], "layout", { format: "oci-dir" });
    expect(readdirSync(store.directory).filter((name) => name.startsWith("."))).toEqual([
      ".layout.unfinished-of-mine",
      ".other.unfinished-0123456789ab",
    ]);
  });
});

describe("compression of layers", () => {
  it.each(["docker-archive", "oci-archive"] as const)("%s: the same image, with other layers", async (format) => {
    await loadMade("a:1", ["x", "y"]);
    const { id, config } = store.open().resolveImage("a:1");
    for (const [compression, suffix] of [
      [GZIP, "+gzip"],
      [ZSTD, "+zstd"],
      ["none", ""],
    ] as const) {
      const { bytes } = await save(["a:1"], "a.tar", { format, compression });
      expect(readFileSync(store.path("a.tar")).length).toBe(bytes);
      const { layers, config: saved } = manifestOf("a.tar");
      expect(saved.digest).toBe(id);
      expect(layers.map((layer) => layer.mediaType)).toEqual(
        Array(2).fill(`application/vnd.oci.image.layer.v1.tar${suffix}`),
      );
      for (const [index, layer] of layers.entries()) {
        const blob = blobOf("a.tar", layer.digest);
        expect([sha256(blob), blob.length]).toEqual([layer.digest, layer.size]);
        if (suffix === "+gzip") expect(sha256(gunzipSync(blob))).toBe(config.rootfs.diff_ids[index]);
      }
      const other = new StoreUnderTest();
      try {
        expect((await other.load({ path: store.path("a.tar") }))[0]?.image.id).toBe(id);
        expect(other.problems()).toEqual([]);
      } finally {
        other.dispose();
      }
    }
    expect(readdirSync(store.open().layout.tmpDir())).toEqual([]);
  });

  it("leaves layers alone that are compressed in that way, and makes tars of any", async () => {
    await loadMade("a:1", ["x", "y"]);
    await save(["a:1"], "gzip.tar", { format: "oci-archive", compression: GZIP });
    const { layers } = manifestOf("gzip.tar");
    const loaded = await loadElsewhere("gzip.tar");
    const { manifest, config } = loaded!.image;
    await save(["a:1"], "again.tar", { compression: { kind: "gzip", level: 1 } });
    expect(indexOf("again.tar").manifests[0]?.digest).toBe(manifest.digest);
    expect(manifestOf("again.tar").layers).toEqual(layers);
    await save(["a:1"], "plain.tar", { compression: "none" });
    expect(manifestOf("plain.tar").layers.map((layer) => layer.digest)).toEqual(config.rootfs.diff_ids);
    await save(["a:1"], "zstd.tar", { compression: ZSTD, format: "oci-archive" });
    expect(manifestOf("zstd.tar").layers.every((layer) => layer.mediaType.endsWith("+zstd"))).toBe(true);
  });

  it("without a wish: zstd stays zstd in OCI's formats, and is a tar in a docker-archive", async () => {
    await loadMade("a:1", ["x"]);
    await save(["a:1"], "zstd.tar", { compression: ZSTD });
    await loadElsewhere("zstd.tar");
    const { manifest, config } = store.open().resolveImage("a:1");
    await save(["a:1"], "oci.tar", { format: "oci-archive" });
    expect(indexOf("oci.tar").manifests[0]?.digest).toBe(manifest.digest);
    await save(["a:1"], "docker.tar");
    expect(manifestOf("docker.tar").layers.map((layer) => layer.digest)).toEqual(config.rootfs.diff_ids);
  });
});

/** Goes on in a store that has nothing but what is in the archive. */
async function loadElsewhere(archive: string): Promise<LoadedImage | undefined> {
  const bytes = readFileSync(store.path(archive));
  store.dispose();
  store = new StoreUnderTest();
  writeFileSync(store.path(archive), bytes);
  const [loaded] = await store.load({ path: store.path(archive) });
  return loaded;
}

describe("platforms", () => {
  async function loadMulti(): Promise<{ index: string; manifests: Record<string, string> }> {
    const { layout, images, index } = await multiPlatform();
    writeFileSync(store.path("multi.tar"), await layout.archive());
    await store.load({ path: store.path("multi.tar") });
    const manifests = Object.entries(images).map(([platform, image]) => [platform, image.manifest.digest]);
    return { index: index.digest, manifests: Object.fromEntries(manifests) as Record<string, string> };
  }
  const manifestJson = (archive: string): { Config: string; RepoTags: string[] }[] =>
    JSON.parse(member(archive, "manifest.json").toString()) as { Config: string; RepoTags: string[] }[];

  it("all go with the index as received; manifest.json has the host's", async () => {
    const { index } = await loadMulti();
    await save(["multi:1"], "all.tar");
    expect(indexOf("all.tar").manifests.map((line) => line.digest)).toEqual([index]);
    const listed = JSON.parse(blobOf("all.tar", index).toString()) as ImageIndex;
    for (const { digest } of listed.manifests) expect(sha256(blobOf("all.tar", digest))).toBe(digest);
    const [shown, ...more] = manifestJson("all.tar");
    expect(more).toEqual([]);
    expect(shown).toMatchObject({
      Config: `blobs/sha256/${store.open().resolveImage("multi:1").id.slice(7)}`,
      RepoTags: ["multi:1"],
    });
    const other = new StoreUnderTest();
    try {
      await other.load({ path: store.path("all.tar") });
      expect(other.listing().filter((line) => line.startsWith("blobs"))).toEqual(
        store.listing().filter((line) => line.startsWith("blobs")),
      );
    } finally {
      other.dispose();
    }
  });

  it("one that is asked for is saved alone, several under the index", async () => {
    const { index, manifests } = await loadMulti();
    await save(["multi:1"], "one.tar", { platforms: [parsePlatform("linux/arm64")] });
    expect(indexOf("one.tar").manifests).toMatchObject([
      { digest: manifests["linux/arm64/v8"], platform: { architecture: "arm64" } },
    ]);
    expect(members("one.tar").filter((name) => /[0-9a-f]{64}$/.test(name))).toHaveLength(4);
    const platforms = ["linux/arm64", "linux/arm/v7"].map(parsePlatform);
    await save(["multi:1"], "two.tar", { platforms, format: "oci-archive" });
    expect(indexOf("two.tar").manifests.map((line) => line.digest)).toEqual([index]);
    expect(members("two.tar")).not.toContain(`blobs/sha256/${manifests["linux/amd64"]?.slice(7)}`);
    expect(members("two.tar")).toContain(`blobs/sha256/${manifests["linux/arm/v7"]?.slice(7)}`);
  });

  it("one that there is not is an error, and nothing is written", async () => {
    await loadMulti();
    const platforms = ["linux/amd64", "linux/s390x"].map(parsePlatform);
    await expect(save(["multi:1"], "x.tar", { platforms })).rejects.toThrow(code("PLATFORM_NOT_FOUND"));
    expect(existsSync(store.path("x.tar"))).toBe(false);
  });

  it("layers in another form make a new index, of the images that are there", async () => {
    const { manifests } = await loadMulti();
    await save(["multi:1"], "gzip.tar", { compression: GZIP, format: "oci-archive" });
    const [line] = indexOf("gzip.tar").manifests;
    const listed = (JSON.parse(blobOf("gzip.tar", line!.digest).toString()) as ImageIndex).manifests;
    expect(listed.map((entry) => `${entry.platform?.os}/${entry.platform?.architecture}`).sort()).toEqual([
      "linux/amd64",
      "linux/arm",
      "linux/arm64",
    ]);
    for (const entry of listed) {
      expect(Object.values(manifests)).not.toContain(entry.digest);
      expect(sha256(blobOf("gzip.tar", entry.digest))).toBe(entry.digest);
    }
    const other = new StoreUnderTest();
    try {
      await other.load({ path: store.path("gzip.tar") });
      expect(other.open().images()).toHaveLength(3);
    } finally {
      other.dispose();
    }
  });
});

describe("a delta", () => {
  it.each(["docker-archive", "oci-archive", "oci-dir"] as const)(
    "%s: leaves out the layers that the other image has, and only them; load completes it",
    async (format) => {
      await loadMade("app:1", ["base", "one"]);
      await loadMade("app:2", ["base", "two", "three"]);
      const { id, manifest, layers } = store.open().resolveImage("app:2");
      await save(["app:1"], "full.tar");
      const { bytes } = await save(["app:2"], "delta", { since: ["app:1"], format });
      const other = new StoreUnderTest();
      try {
        await expect(other.load({ path: store.path("delta") })).rejects.toThrow(
          expect.objectContaining({ code: "LAYER_MISSING", remedy: expect.stringContaining("load app:1") as string }),
        );
        expect(other.open().images()).toEqual([]);
        await other.load({ path: store.path("full.tar") });
        const [again] = await other.load({ path: store.path("delta") });
        expect(again?.image).toMatchObject({ id, manifest });
        expect(other.problems()).toEqual([]);
      } finally {
        other.dispose();
      }
      const names = format === "oci-dir" ? readdirSync(store.path("delta/blobs/sha256")) : members("delta");
      const here = layers.map(({ blob }) => names.some((name) => name.endsWith(blob.digest.slice(7))));
      expect(here).toEqual([false, true, true]);
      expect(bytes).toBeGreaterThan(layers[1]!.blob.size);
    },
  );

  it("of an image to itself is its documents, and says in its index what it needs", async () => {
    await loadMade("app:1", ["base", "one"]);
    await save(["app:1"], "delta.tar", { since: ["app:1"], format: "oci-archive" });
    const { id } = store.open().resolveImage("app:1");
    expect(members("delta.tar").filter((name) => /[0-9a-f]{64}$/.test(name))).toHaveLength(2);
    expect(indexOf("delta.tar").annotations).toEqual({
      "io.gantry.delta.since": JSON.stringify([{ id, name: "docker.io/library/app:1" }]),
    });
    await expect(save(["app:1"], "x.tar", { since: ["nowhere"] })).rejects.toThrow(code("IMAGE_NOT_FOUND"));
  });

  it("keeps names of layers that it leaves out, and compresses the others", async () => {
    await loadMade("app:1", ["base"]);
    await loadMade("app:2", ["base", "two"]);
    const [base] = store.open().resolveImage("app:2").layers;
    await save(["app:2"], "delta.tar", { since: ["app:1"], compression: GZIP });
    const [first, second] = manifestOf("delta.tar").layers;
    expect(first?.digest).toBe(base?.blob.digest);
    expect(second?.mediaType).toMatch(/gzip$/);
  });
});

const noTools = missing({ root: true, tools: ["skopeo", "umoci", "podman", "buildah"] });

describe.skipIf(noTools)("other tools read every format", () => {
  const podman = (tool: string, ...args: string[]): string => {
    const at = ["--root", store.path("containers"), "--runroot", store.path("run"), "--storage-driver", "vfs"];
    const result = spawnSync("unshare", ["-m", tool, ...at, ...args], { encoding: "utf8" });
    if (result.status !== 0) throw new Error(`${tool} ${args.join(" ")}: ${result.stderr}`);
    return result.stdout.trim();
  };

  it.each([
    ["docker-archive", "gzip", GZIP],
    ["docker-archive", "zstd", ZSTD],
    ["oci-archive", "gzip", GZIP],
    ["oci-archive", "zstd", ZSTD],
  ] as const)("%s with layers in %s", async (format, _, compression) => {
    await loadMade("a:1", ["x", "y"]);
    const { id, config } = store.open().resolveImage("a:1");
    await save(["a:1"], "a.tar", { format, compression });
    const archive = `${format}:${store.path("a.tar")}`;
    const inspected = execFileSync("skopeo", ["inspect", "--config", archive], { encoding: "utf8" });
    expect((JSON.parse(inspected) as typeof config).rootfs.diff_ids).toEqual(config.rootfs.diff_ids);
    execFileSync("skopeo", ["--insecure-policy", "copy", "-q", archive, `dir:${store.path("dir")}`]);
    expect(podman("podman", "load", "-q", "-i", store.path("a.tar"))).toContain("docker.io/library/a:1");
    expect(podman("podman", "image", "inspect", "--format", "{{.Id}}", "a:1")).toBe(id.slice(7));
    if (format === "oci-archive") expect(podman("buildah", "pull", "-q", archive)).toContain(id.slice(7));
  });

  it("umoci unpacks what lies in a layout directory, and skopeo adds to it what gantry loads", async () => {
    await loadMade("a:1", ["x", "y"]);
    await loadMade("b:2", ["z"]);
    await save(["a:1"], "layout", { format: "oci-dir", compression: GZIP });
    await save(["b:2"], "layout", { format: "oci-dir", compression: GZIP });
    expect(execFileSync("umoci", ["ls", "--layout", store.path("layout")], { encoding: "utf8" })).toBe("1\n2\n");
    execFileSync("umoci", ["unpack", "--image", `${store.path("layout")}:1`, store.path("bundle")], { stdio: "pipe" });
    expect(readdirSync(store.path("bundle/rootfs")).sort()).toEqual(["x", "y"]);
    const from = `oci:${store.path("layout")}:2`;
    execFileSync("skopeo", ["--insecure-policy", "copy", "-q", from, `oci:${store.path("layout")}:two`]);
    await save(["a:1"], "layout", { format: "oci-dir" });
    const tags = execFileSync("umoci", ["ls", "--layout", store.path("layout")], { encoding: "utf8" });
    expect(tags.trimEnd().split("\n").sort()).toEqual(["1", "2", "two"]);
    rmSync(store.path("bundle"), { recursive: true });
  });
});
