import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { saveImages } from "../../src/engine/save-image.ts";
import type { OutputTarget } from "../../src/archive/output-file.ts";
import { tagImage } from "../../src/engine/tag-image.ts";
import { fixture, missing } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";
import { SILENT, StoreUnderTest } from "./image-store.ts";

let store: StoreUnderTest;
beforeEach(() => {
  store = new StoreUnderTest();
});
afterEach(() => {
  store.dispose();
});

const save = (names: string[], target: OutputTarget | string): Promise<{ bytes: number }> =>
  saveImages(store.open(), names, typeof target === "string" ? { path: store.path(target) } : target, {}, SILENT);

async function loadMade(tag: string, count = 2): Promise<void> {
  const layers: Buffer[] = [];
  for (let n = 0; n < count; n++) layers.push(await tarOf([[{ name: `file${n}` }, `${n}`.repeat(5000)]]));
  writeFileSync(store.path("made.tar"), await dockerArchive(layers, { tag }));
  await store.load({ path: store.path("made.tar") });
}

const SOURCES = ["odd-docker20.tar", "odd-docker25.tar", "odd-oci-gzip.tar", "odd-oci-zstd.tar"];
const noFixtures = missing({ fixtures: SOURCES });
const noSkopeo = missing({ tools: ["skopeo"] });
const noUmoci = missing({ tools: ["umoci"] });

describe("saving", () => {
  it("gives the same bytes every time, to a file and to a pipe, of the size that was said", async () => {
    await loadMade("a:1");
    const { bytes } = await save(["a:1"], "first.tar");
    const first = readFileSync(store.path("first.tar"));
    expect(first.length).toBe(bytes);
    const fifo = store.path("fifo");
    execFileSync("mkfifo", [fifo]);
    const reader = spawn("sha256sum", [fifo]);
    let sum = "";
    reader.stdout.on("data", (text: Buffer) => (sum += text.toString()));
    const ended = new Promise((resolve) => reader.stdout.on("end", resolve));
    const fd = openSync(fifo, "w");
    await save(["a:1"], { fd });
    closeSync(fd);
    await ended;
    expect(sum.slice(0, 64)).toBe(createHash("sha256").update(first).digest("hex"));
  });

  it("writes what Docker 25 writes: a layout and a docker-archive in one, shared blobs once", async () => {
    await loadMade("a:1", 2);
    await loadMade("b:1", 3);
    await save(["a:1", "b:1"], "two.tar");
    const members = execFileSync("tar", ["tf", store.path("two.tar")], { encoding: "utf8" })
      .trimEnd()
      .split("\n");
    expect(members).toEqual([...new Set(members)]);
    expect(members.filter((name) => name.startsWith("blobs/sha256/") && name.length > 13)).toHaveLength(3 + 2 + 2);
    expect(members.filter((name) => !name.startsWith("blobs/"))).toEqual([
      "index.json",
      "manifest.json",
      "oci-layout",
      "repositories",
    ]);
    const document = (name: string): unknown =>
      JSON.parse(execFileSync("tar", ["xOf", store.path("two.tar"), name], { encoding: "utf8" }));
    expect(document("manifest.json")).toMatchObject([{ RepoTags: ["a:1"] }, { RepoTags: ["b:1"] }]);
    expect(document("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
  });

  it("a name saves that name, a repository all of its tags, an id none", async () => {
    await loadMade("a:1");
    await tagImage(store.open(), "a:1", "a:2");
    await tagImage(store.open(), "a:1", "other:1");
    const tagsOf = async (...names: string[]): Promise<unknown> => {
      await save(names, "out.tar");
      const text = execFileSync("tar", ["xOf", store.path("out.tar"), "manifest.json"], { encoding: "utf8" });
      return (JSON.parse(text) as { RepoTags: string[] | null }[]).map((image) => image.RepoTags);
    };
    expect(await tagsOf("a:2")).toEqual([["a:2"]]);
    expect(await tagsOf("a")).toEqual([["a:1", "a:2"]]);
    expect(await tagsOf("a:2", "other:1")).toEqual([["a:2", "other:1"]]);
    expect(await tagsOf(store.open().resolveImage("a:1").id)).toEqual([null]);
  });

  it("a failure leaves the old file, and no trace of a new one", async () => {
    await loadMade("a:1");
    const [image] = store.open().images();
    mkdirSync(store.path("out"));
    writeFileSync(store.path("out/a.tar"), "old");
    await expect(save(["nowhere"], "out/a.tar")).rejects.toThrow(expect.objectContaining({ code: "IMAGE_NOT_FOUND" }));
    const abort = new AbortController();
    abort.abort();
    const cancelled = { emit: () => undefined, signal: abort.signal };
    await expect(saveImages(store.open(), ["a:1"], { path: store.path("out/a.tar") }, {}, cancelled)).rejects.toThrow(
      expect.objectContaining({ code: "CANCELLED" }),
    );
    await expect(save(["a:1"], "no/such/dir.tar")).rejects.toThrow(expect.objectContaining({ code: "OUTPUT_INVALID" }));
    await expect(save(["a:1"], "out")).rejects.toThrow(expect.objectContaining({ code: "OUTPUT_INVALID" }));
    const blob = store.open().layout.blob(image?.layers[0]?.blob.digest as `sha256:${string}`);
    writeFileSync(blob, "short");
    await expect(save(["a:1"], "out/a.tar")).rejects.toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
    expect(readdirSync(store.path("out"))).toEqual(["a.tar"]);
    expect(readFileSync(store.path("out/a.tar"), "utf8")).toBe("old");
  });

  it("a new archive is readable by its owner only, and devices are written to directly", async () => {
    await loadMade("a:1");
    await save(["a:1"], "a.tar");
    expect(statSync(store.path("a.tar")).mode & 0o777).toBe(0o600);
    await saveImages(store.open(), ["a:1"], { path: "/dev/null" }, {}, SILENT);
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("an image of another platform is refused when a platform is asked for", async () => {
    await loadMade("a:1");
    const platform = { os: "linux", architecture: "s390x" };
    await expect(
      saveImages(store.open(), ["a:1"], { path: store.path("x.tar") }, { platforms: [platform] }, SILENT),
    ).rejects.toThrow(expect.objectContaining({ code: "PLATFORM_NOT_FOUND" }));
    expect(existsSync(store.path("x.tar"))).toBe(false);
  });
});

describe.skipIf(noFixtures)("a saved image is the image", () => {
  it.each(SOURCES)("%s: loaded again elsewhere it has the same id and diffIds", async (file) => {
    const [loaded] = await store.load({ path: fixture(file) as string });
    const { id, config } = loaded?.image as NonNullable<typeof loaded>["image"];
    const diffIds = config.rootfs.diff_ids;
    await save(["odd:1"], "saved.tar");
    const other = new StoreUnderTest();
    try {
      const [again] = await other.load({ path: store.path("saved.tar") });
      expect(again?.image.id).toBe(id);
      expect(again?.names).toEqual(["odd:1"]);
      expect(again?.image.config.rootfs.diff_ids).toEqual(diffIds);
      expect(other.problems()).toEqual([]);
    } finally {
      other.dispose();
    }
  });

  it.skipIf(noSkopeo).each(SOURCES)("%s: skopeo reads it in both formats, with the same config", async (file) => {
    const [loaded] = await store.load({ path: fixture(file) as string });
    await save(["odd:1"], "saved.tar");
    for (const transport of ["docker-archive", "oci-archive"]) {
      const target = store.path(transport);
      const source = `${transport}:${store.path("saved.tar")}`;
      execFileSync("skopeo", ["--insecure-policy", "copy", "-q", source, `dir:${target}`]);
      const manifest = JSON.parse(readFileSync(`${target}/manifest.json`, "utf8")) as { config: { digest: string } };
      expect(manifest.config.digest).toBe(loaded?.image.id);
    }
  });

  it.skipIf(noUmoci)("umoci finds its tag in the layout", async () => {
    await store.load({ path: fixture("odd-docker20.tar") as string });
    await save(["odd:1"], "saved.tar");
    mkdirSync(store.path("layout"));
    execFileSync("tar", ["xf", store.path("saved.tar"), "-C", store.path("layout")]);
    expect(execFileSync("umoci", ["ls", "--layout", store.path("layout")], { encoding: "utf8" })).toBe("1\n");
  });
});
