import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tryLockFile } from "../../../src/bridge/index.ts";
import { removeImage } from "../../../src/engine/remove-image.ts";
import { tagImage } from "../../../src/engine/tag-image.ts";
import { digestHex } from "../../../src/image/digest.ts";
import type { Image } from "../../../src/image/types.ts";
import { chainId } from "../../../src/layer/chain-id.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { dockerArchive, tarOf } from "../../tools/make-archive.ts";
import { loadImages } from "../../../src/engine/load-image.ts";
import { SILENT_REPORTER } from "../../../src/events/progress.ts";

let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-store-test-"));
  store = openStore(join(directory, "store"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const layer = (name: string): Promise<Buffer> => tarOf([[{ name }, name.repeat(1000)]]);

async function load(tag: string, layers: Buffer[]): Promise<Image> {
  const path = join(directory, "archive.tar");
  writeFileSync(path, await dockerArchive(layers, { tag }));
  const [loaded] = await loadImages(store, { path }, {}, SILENT_REPORTER);
  return (loaded as NonNullable<typeof loaded>).image;
}

const contents = (): { blobs: number; layers: number; chains: number; tmp: number } => ({
  blobs: readdirSync(store.layout.blobsDir()).length,
  layers: readdirSync(store.layout.layersDir()).length,
  chains: readdirSync(store.layout.chainsDir()).length,
  tmp: readdirSync(store.layout.tmpDir()).length,
});

describe("a store's format", () => {
  it("is written when the store is made, and a newer one is refused", () => {
    expect(JSON.parse(readFileSync(store.layout.versionFile(), "utf8"))).toEqual({ version: 1 });
    writeFileSync(store.layout.versionFile(), '{"version":2}');
    expect(() => openStore(store.layout.root)).toThrow(expect.objectContaining({ code: "STORE_VERSION_UNSUPPORTED" }));
    writeFileSync(store.layout.versionFile(), "garbage");
    expect(() => openStore(store.layout.root)).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  });

  it("records that cannot be read are an error, not an empty store", () => {
    writeFileSync(store.layout.imagesFile(), "{");
    expect(() => store.images()).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  });
});

describe("finding images", () => {
  it("by name with defaults filled in, by id, by unique prefix, by digest", async () => {
    const image = await load("app:1", [await layer("a")]);
    await store.tag(image.id, "docker.io/library/app:latest");
    const hex = digestHex(image.id);
    const digest = image.manifest.digest;
    for (const text of ["app:1", "app", "docker.io/library/app:1", image.id, hex, hex.slice(0, 12), `app@${digest}`]) {
      expect(store.resolveImage(text).id).toBe(image.id);
    }
    expect(store.resolveNamed("app").name).toBe("docker.io/library/app:latest");
    expect(store.resolveNamed(hex).name).toBeUndefined();
    expect(store.repositoryTags("app").map((found) => found.name)).toEqual([
      "docker.io/library/app:1",
      "docker.io/library/app:latest",
    ]);
    for (const text of ["app:2", "other", "f".repeat(64), "", "App", `other@${digest}`]) {
      expect(() => store.resolveImage(text), text).toThrow(expect.objectContaining({ code: "IMAGE_NOT_FOUND" }));
    }
    expect(() => store.resolveImage("nothing")).toThrow("No such image: nothing:latest");
  });

  it("an ambiguous prefix is refused", async () => {
    const first = new Set<string>();
    for (let n = 0; ; n++) {
      const { id } = await load(`app:${n}`, [await layer(`l${n}`)]);
      const digit = digestHex(id)[0] as string;
      if (first.has(digit)) {
        expect(() => store.resolveImage(digit)).toThrow(expect.objectContaining({ code: "IMAGE_AMBIGUOUS" }));
        return;
      }
      first.add(digit);
    }
  });
});

describe("names and removal, by Docker's rules", () => {
  it("a name moves to the image that is tagged with it", async () => {
    const a = await load("a:1", [await layer("a")]);
    const b = await load("b:1", [await layer("b")]);
    await tagImage(store, "a:1", "b:1");
    expect(store.resolveImage("b:1").id).toBe(a.id);
    expect(store.resolveImage(b.id).names).toEqual([]);
    await expect(tagImage(store, "nowhere", "x")).rejects.toThrow(expect.objectContaining({ code: "IMAGE_NOT_FOUND" }));
    await expect(tagImage(store, "a:1", "X")).rejects.toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
  });

  it("one name of several is only taken away; the last one takes the image with it", async () => {
    const image = await load("a:1", [await layer("a"), await layer("b")]);
    const diffIds = image.config.rootfs.diff_ids;
    await tagImage(store, "a:1", "other:2");
    expect(await removeImage(store, "a:1")).toEqual({ untagged: ["a:1"], deleted: [], freedBytes: 0 });
    const removed = await removeImage(store, "other:2");
    expect(removed.untagged).toEqual(["other:2"]);
    expect(removed.deleted).toEqual([image.id, chainId(diffIds), chainId(diffIds.slice(0, 1))]);
    expect(contents()).toEqual({ blobs: 0, layers: 0, chains: 0, tmp: 0 });
  });

  it("an id with names in several repositories needs force", async () => {
    const image = await load("a:1", [await layer("a")]);
    await tagImage(store, "a:1", "a:2");
    await tagImage(store, "a:1", "b:1");
    await expect(removeImage(store, image.id)).rejects.toMatchObject({
      code: "IMAGE_IN_USE",
      message: expect.stringMatching(/must be forced.*multiple repositories/) as string,
    });
    const { untagged } = await removeImage(store, image.id, { force: true });
    expect(untagged).toEqual(["a:1", "a:2", "b:1"]);
    expect(store.images()).toEqual([]);
  });

  it("layers that another image needs stay", async () => {
    const shared = await layer("shared");
    const a = await load("a:1", [shared, await layer("a")]);
    const b = await load("b:1", [shared]);
    const diffIds = a.config.rootfs.diff_ids;
    const removed = await removeImage(store, "a:1");
    expect(removed.deleted).toEqual([a.id, chainId(diffIds)]);
    expect(removed.freedBytes).toBeGreaterThan(1000);
    expect(store.hasLayer(b.config.rootfs.diff_ids[0] as Image["id"])).toBe(true);
    expect(contents()).toEqual({ blobs: 3, layers: 1, chains: 0, tmp: 0 });
  });

  it("an image that a container uses needs force, a running one keeps it, and its layers outlive it", async () => {
    const image = await load("a:1", [await layer("a")]);
    const container = store.layout.container("c".repeat(64));
    mkdirSync(container);
    const record = { image: image.id, layers: image.config.rootfs.diff_ids };
    writeFileSync(join(container, "container.json"), JSON.stringify(record));
    await expect(removeImage(store, "a:1")).rejects.toThrow(/must force.*cccccccccccc is using/);
    writeFileSync(join(container, "status.json"), JSON.stringify({ status: "running" }));
    const shim = tryLockFile(join(container, "shim.lock"));
    await expect(removeImage(store, image.id, { force: true })).rejects.toThrow(/cannot be forced.*running/);
    shim?.release();
    writeFileSync(join(container, "status.json"), JSON.stringify({ status: "exited" }));
    expect((await removeImage(store, "a:1", { force: true })).deleted).toEqual([image.id]);
    expect(contents()).toEqual({ blobs: 0, layers: 1, chains: 0, tmp: 0 });
  });
});

it("an image that is damaged can be removed, and meanwhile nothing is taken for unneeded", async () => {
  await load("a:1", [await layer("a")]);
  const damaged = await load("b:1", [await layer("b")]);
  rmSync(store.layout.blob(damaged.manifest.digest));
  await removeImage(store, "a:1");
  expect(contents().layers).toBe(2);
  await removeImage(store, "b:1");
  expect(store.images()).toEqual([]);
});

describe("what a crash leaves", () => {
  const scratchOfTheDead = (name = `${2 ** 22 + 1}-0123456789ab`): string => {
    const path = join(store.layout.tmpDir(), name);
    mkdirSync(path);
    return path;
  };

  it("is removed when the store is opened again, unless its maker lives", async () => {
    writeFileSync(join(scratchOfTheDead(), "file"), "x");
    mkdirSync(join(store.layout.tmpDir(), "removed-container"));
    writeFileSync(join(store.layout.tmpDir(), "stray"), "x");
    const mine = await store.scratch();
    openStore(store.layout.root);
    expect(readdirSync(store.layout.tmpDir())).toEqual([mine.path.slice(store.layout.tmpDir().length + 1)]);
    await mine.dispose();
    expect(contents().tmp).toBe(0);
  });

  it("half a publication is undone: what no record names goes, what one names stays", async () => {
    const image = await load("a:1", [await layer("a")]);
    const kept = image.config.rootfs.diff_ids[0] as Image["id"];
    const stray = "ab".repeat(32);
    writeFileSync(join(store.layout.blobsDir(), stray), "x");
    mkdirSync(join(store.layout.layersDir(), stray));
    const intent = { blobs: [stray, digestHex(kept)], layers: [stray, digestHex(kept)], chains: [] };
    writeFileSync(join(scratchOfTheDead(), "intent.json"), JSON.stringify(intent));
    openStore(store.layout.root);
    expect(contents()).toEqual({ blobs: 3, layers: 1, chains: 0, tmp: 0 });
    expect(store.hasLayer(kept)).toBe(true);
  });

  it("an intent that is garbage, or that names paths, does no harm", () => {
    writeFileSync(join(scratchOfTheDead(), "intent.json"), '{"blobs":["../../images.json"],"layers":5}');
    writeFileSync(join(scratchOfTheDead(`${2 ** 22 + 2}-0123456789ab`), "intent.json"), "{");
    openStore(store.layout.root);
    expect(contents().tmp).toBe(0);
    expect(readFileSync(store.layout.versionFile(), "utf8")).toContain("1");
  });

  it("opening costs next to nothing when nothing was left", () => {
    openStore(store.layout.root);
    const start = performance.now();
    for (let n = 0; n < 100; n++) openStore(store.layout.root);
    expect((performance.now() - start) / 100).toBeLessThan(1);
  });
});

it("the lock is exclusive among callers and re-entrant within one", async () => {
  const order: string[] = [];
  const change = (name: string): Promise<void> =>
    store.exclusively(async () => {
      order.push(`${name} in`);
      await store.exclusively(() => new Promise((resolve) => setTimeout(resolve, 5)));
      order.push(`${name} out`);
    });
  await Promise.all([change("a"), change("b")]);
  expect(order).toHaveLength(4);
  expect(order[0]?.[0]).toBe(order[1]?.[0]);
  expect(order[2]?.[0]).toBe(order[3]?.[0]);
});

it("a publication that lacks a layer is refused and leaves nothing", async () => {
  const image = await load("a:1", [await layer("a")]);
  const manifest = store.readBlob(image.manifest.digest);
  const config = store.readBlob(image.id);
  await store.removeImage(image.id);
  const scratch = await store.scratch();
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(scratch.path, name), bytes);
    return join(scratch.path, name);
  };
  const blobs = [
    { digest: image.manifest.digest, file: write("manifest", manifest) },
    { digest: image.id, file: write("config", config) },
  ];
  await expect(store.publish(scratch, { blobs, layers: [], manifest: image.manifest, names: ["x:1"] })).rejects.toThrow(
    expect.objectContaining({ code: "BLOB_MISSING" }),
  );
  await scratch.dispose();
  expect(contents()).toEqual({ blobs: 0, layers: 0, chains: 0, tmp: 0 });
});
