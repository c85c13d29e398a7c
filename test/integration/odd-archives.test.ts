import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { type Entry, sha256, tarOf } from "../tools/make-archive.ts";
import { StoreUnderTest } from "./image-store.ts";

const layer = await tarOf([[{ name: "file" }, "content"]]);
const other = await tarOf([[{ name: "other" }, "content"]]);
const configOf = (...layers: Buffer[]): string =>
  JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: layers.map((bytes) => `sha256:${sha256(bytes)}`) },
  });
const config = configOf(layer);
const CONFIG = `${sha256(config)}.json`;
const manifestOf = (more: object = {}): string =>
  JSON.stringify([{ Config: CONFIG, RepoTags: ["odd:1"], Layers: ["l/layer.tar"], ...more }]);
const LAYER: Entry = [{ name: "l/layer.tar" }, layer];
const CONFIG_FILE: Entry = [{ name: CONFIG }, config];
const MANIFEST: Entry = [{ name: "manifest.json" }, manifestOf()];

/** Archives that readers could disagree on: those that load give the image; the others are refused with the code. */
const ARCHIVES: [name: string, members: Entry[], outcome: string][] = [
  ["as it should be", [LAYER, CONFIG_FILE, MANIFEST], "loads"],
  [
    "a manifest.json that comes twice: the later, as when unpacking",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json" }, "[]"], MANIFEST],
    "loads",
  ],
  [
    "a manifest.json that is replaced by an empty list",
    [LAYER, CONFIG_FILE, MANIFEST, [{ name: "manifest.json" }, "[]"]],
    "ARCHIVE_INVALID",
  ],
  ["a layer that comes twice: the later", [[{ name: "l/layer.tar" }, other], LAYER, CONFIG_FILE, MANIFEST], "loads"],
  [
    "a layer that is replaced by another",
    [LAYER, [{ name: "l/layer.tar" }, other], CONFIG_FILE, MANIFEST],
    "DIGEST_MISMATCH",
  ],
  [
    "a config that is replaced by another",
    [LAYER, CONFIG_FILE, [{ name: CONFIG }, configOf(other)], MANIFEST],
    "DIGEST_MISMATCH",
  ],
  [
    "a layer that is a symlink to a member",
    [
      [{ name: "x/layer.tar" }, layer],
      [{ name: "l/layer.tar", type: "symlink", linkname: "../x/layer.tar" }],
      CONFIG_FILE,
      MANIFEST,
    ],
    "loads",
  ],
  [
    "a layer that is a hard link to a member",
    [
      [{ name: "x/layer.tar" }, layer],
      [{ name: "l/layer.tar", type: "link", linkname: "x/layer.tar" }],
      CONFIG_FILE,
      MANIFEST,
    ],
    "loads",
  ],
  [
    "a layer that is a symlink out of the archive",
    [[{ name: "l/layer.tar", type: "symlink", linkname: "/etc/passwd" }], CONFIG_FILE, MANIFEST],
    "LAYER_MISSING",
  ],
  [
    "a config that is a symlink out of the archive",
    [LAYER, [{ name: CONFIG, type: "symlink", linkname: "../../../etc/passwd" }], MANIFEST],
    "ARCHIVE_INVALID",
  ],
  [
    "links in a circle",
    [[{ name: "l/layer.tar", type: "symlink", linkname: "layer.tar" }], CONFIG_FILE, MANIFEST],
    "ARCHIVE_INVALID",
  ],
  [
    "a config that leads out",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json" }, manifestOf({ Config: "../../etc/passwd" })]],
    "ARCHIVE_INVALID",
  ],
  [
    "a layer that leads out",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json" }, manifestOf({ Layers: ["/../etc/passwd"] })]],
    "ARCHIVE_INVALID",
  ],
  [
    "a layer that is listed twice",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json" }, manifestOf({ Layers: ["l/layer.tar", "l/layer.tar"] })]],
    "ARCHIVE_INVALID",
  ],
  [
    "no layer where the config has one",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json" }, manifestOf({ Layers: null })]],
    "ARCHIVE_INVALID",
  ],
  [
    "a key that is there twice",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json" }, manifestOf().replace("{", '{"config":"x",')]],
    "MANIFEST_INVALID",
  ],
  [
    "a name that is none",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json" }, manifestOf({ RepoTags: ["../a:1"] })]],
    "REFERENCE_INVALID",
  ],
  [
    "a manifest.json that is a directory",
    [LAYER, CONFIG_FILE, [{ name: "manifest.json/", type: "directory" }]],
    "ARCHIVE_INVALID",
  ],
];

const stores: StoreUnderTest[] = [];
afterAll(() => {
  for (const store of stores) store.dispose();
});

describe.each(["file", "stream"] as const)("of the archives that readers could disagree on, from a %s", (how) => {
  it.each(ARCHIVES)("%s", async (_, members, outcome) => {
    // A store of its own: one that has the layer would complete the image.
    const store = new StoreUnderTest();
    stores.push(store);
    const path = store.path("archive.tar");
    const bytes = await tarOf(members);
    // Compressed archives are read forward, once.
    writeFileSync(path, how === "file" ? bytes : gzipSync(bytes));
    let result: string;
    try {
      const [loaded] = await store.load({ path });
      expect(loaded?.image.id).toBe(`sha256:${sha256(config)}`);
      result = "loads";
    } catch (error) {
      if (!isGantryError(error)) throw error;
      result = error.code;
    }
    expect(result).toBe(outcome);
    expect(store.problems()).toEqual([]);
  });
});
