import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Digest, Image } from "../../../src/image/types.ts";
import { imageSummaries } from "../../../src/store/image-summaries.ts";
import { StoreLayout } from "../../../src/store/layout.ts";
import type { Store } from "../../../src/store/store.ts";

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

let layout: StoreLayout;
let read: string[];
let images: Image[];
const store = (): Store => ({ layout, images: () => images }) as unknown as Store;

/** A layer index with nothing but its header: so many bytes of files. */
function putLayer(letter: string, bytes: number): void {
  const header = Buffer.alloc(128);
  header.writeBigUInt64LE(BigInt(bytes), 72);
  mkdirSync(layout.layerDir(digest(letter)), { recursive: true });
  writeFileSync(layout.layerIndex(digest(letter)), header);
}

function image(letter: string, layers: string[], labels?: Record<string, string>): Image {
  return {
    id: digest(letter),
    get config() {
      read.push(letter);
      return { rootfs: { diff_ids: layers.map(digest) }, config: { Labels: labels ?? null } };
    },
  } as unknown as Image;
}

beforeEach(() => {
  layout = new StoreLayout(mkdtempSync(join(tmpdir(), "gantry-summaries-")));
  mkdirSync(layout.tmpDir());
  read = [];
  putLayer("1", 100);
  putLayer("2", 20);
  images = [image("a", ["1", "2"], { stage: "test" }), image("b", ["1"])];
});
afterEach(() => {
  rmSync(layout.root, { recursive: true });
});

describe("summaries of images", () => {
  it("say what configs and indexes say, and spare reading them the next time", () => {
    const first = imageSummaries(store());
    const wanted = {
      layers: [
        { diffId: digest("1"), sizeBytes: 100 },
        { diffId: digest("2"), sizeBytes: 20 },
      ],
      labels: { stage: "test" },
    };
    expect(images.map((one) => first.of(one))[0]).toEqual(wanted);
    first.save();
    read = [];
    rmSync(layout.layersDir(), { recursive: true });
    const second = imageSummaries(store());
    expect(second.of(images[0]!)).toEqual(wanted);
    expect(second.of(images[1]!)).toEqual({ layers: [{ diffId: digest("1"), sizeBytes: 100 }], labels: {} });
    expect(read).toEqual([]);
  });

  it("forget images that have gone, with their layers", () => {
    const summaries = imageSummaries(store());
    for (const one of images) summaries.of(one);
    images = images.slice(1);
    summaries.save();
    expect(JSON.parse(readFileSync(layout.summariesFile(), "utf8"))).toEqual({
      version: 1,
      layers: [[digest("1"), 100]],
      images: { [digest("b")]: { layers: [0] } },
    });
  });

  it.each(["", "[]", '{"version":2,"layers":[],"images":{}}'])("a file that is none is made anew: %j", (text) => {
    writeFileSync(layout.summariesFile(), text);
    const summaries = imageSummaries(store());
    expect(summaries.of(images[1]!).layers).toHaveLength(1);
    summaries.save();
    expect(readFileSync(layout.summariesFile(), "utf8")).toMatch(/^\{"version":1,/);
  });

  it("are no failure where they cannot be written", () => {
    rmSync(layout.tmpDir(), { recursive: true });
    const summaries = imageSummaries(store());
    summaries.of(images[0]!);
    expect(() => summaries.save()).not.toThrow();
  });
});
