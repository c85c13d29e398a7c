import { spawn, spawnSync } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LoadedImage } from "../../src/engine/load-image.ts";
import { fixture, missing } from "../tools/gantry.ts";
import { type Entry, dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";
import { StoreUnderTest } from "./image-store.ts";

const BUSYBOX = "sha256:89d226036b45bef5205eef8c48c0f50181e21d4de37e828d69dd3ff15046f077";
const ODD = "sha256:afca8a523cba0ccd4c615c5d63dcba029c2bb5a232592874783805bf3f5ab77f";
const ODD_OCI = "sha256:ab907323ac1f3043afd01c35417fec76f635ff122d1cb6c09b4e803047df9e12";
/** The digest that Docker 25 gave the manifest of odd:1. */
const ODD_MANIFEST = "sha256:375eefe2e9ebadd98e86024f9dca5fdc7370196fa638632eb1ddd4548124cff5";

const FIXTURES: [file: string, images: [id: string, names: string[]][]][] = [
  ["busybox-docker20.tar", [[BUSYBOX, ["busybox:latest"]]]],
  ["odd-docker20.tar", [[ODD, ["odd:1"]]]],
  ["odd-docker25.tar", [[ODD, ["odd:1"]]]],
  ["odd-oci-gzip.tar", [[ODD_OCI, ["odd:1"]]]],
  ["odd-oci-zstd.tar", [[ODD_OCI, ["odd:1"]]]],
  [
    "two-images.tar.gz",
    [
      [BUSYBOX, ["busybox:latest"]],
      [ODD, ["odd:1"]],
    ],
  ],
];
const noXz = missing({ tools: ["xz"] });
const noFixtures = missing({ fixtures: FIXTURES.map(([name]) => name) });

let store: StoreUnderTest;
beforeEach(() => {
  store = new StoreUnderTest();
});
afterEach(() => {
  store.dispose();
});

/** Bytes that do not compress, always the same. */
const noise = (size: number): Buffer =>
  createCipheriv("aes-256-ctr", Buffer.alloc(32, 1), Buffer.alloc(16)).update(Buffer.alloc(size));

const summary = (loaded: LoadedImage[]): [string, string[]][] => loaded.map(({ image, names }) => [image.id, names]);

/** Loads from a pipe whose writer sends chunks of seeded random sizes. */
async function loadFromPipe(bytes: Buffer, seed: number): Promise<LoadedImage[]> {
  const fifo = store.path(`fifo-${seed}-${performance.now()}`);
  await new Promise((resolve) => spawn("mkfifo", [fifo]).on("exit", resolve));
  const script = `const fs=require("fs");let s=${seed};const b=fs.readFileSync(process.argv[2]);const f=fs.openSync(process.argv[1],"w");
    for(let i=0;i<b.length;){s=(s*1103515245+12345)%2147483648;const n=1+s%(s%7?3000:90000);fs.writeSync(f,b.subarray(i,i+n));i+=n}`;
  writeFileSync(store.path("input"), bytes);
  const writer = spawn(process.execPath, ["-e", script, fifo, store.path("input")], { stdio: "inherit" });
  const fd = openSync(fifo, "r");
  try {
    return await store.load({ fd });
  } finally {
    closeSync(fd);
    writer.kill();
  }
}

describe.skipIf(noFixtures)("loading archives that other engines wrote", () => {
  it.each(FIXTURES)("%s loads from a file with its ids and names", async (file, images) => {
    const loaded = await store.load({ path: fixture(file) as string });
    expect(summary(loaded)).toEqual(images);
    expect(store.problems()).toEqual([]);
  });

  it.each(FIXTURES)("%s loads from a pipe, in chunks of any size, to the same store", async (file, images) => {
    const path = fixture(file) as string;
    await store.load({ path });
    const fromFile = store.listing().filter((line) => !line.startsWith("images.json"));
    store.dispose();
    store = new StoreUnderTest();
    expect(summary(await loadFromPipe(readFileSync(path), 7))).toEqual(images);
    expect(store.listing().filter((line) => !line.startsWith("images.json"))).toEqual(fromFile);
    expect(store.problems()).toEqual([]);
  });

  it("the manifest made for an old archive is the one that Docker 25 made", async () => {
    for (const file of ["odd-docker20.tar", "odd-docker25.tar"]) {
      const [loaded] = await store.load({ path: fixture(file) as string });
      expect(loaded?.image.manifest.digest).toBe(ODD_MANIFEST);
    }
  });

  it("an OCI layout loads from a directory", async () => {
    const layout = store.path("layout");
    mkdirSync(layout);
    await new Promise((resolve) =>
      spawn("tar", ["xf", fixture("odd-oci-gzip.tar") as string, "-C", layout]).on("exit", resolve),
    );
    expect(summary(await store.load({ path: layout }))).toEqual([[ODD_OCI, ["odd:1"]]]);
    expect(store.problems()).toEqual([]);
  });

  it("what the store has is not written again, and compressed or not, an image is one image", async () => {
    await store.load({ path: fixture("odd-oci-gzip.tar") as string });
    const before = store.listing();
    await store.load({ path: fixture("odd-oci-zstd.tar") as string });
    const withoutRecords = (lines: string[]): string[] => lines.filter((line) => !line.startsWith("images.json"));
    expect(withoutRecords(store.listing())).toEqual(withoutRecords(before));
    expect(store.open().images()).toHaveLength(1);
  });

  it("a name moves from the image that had it, which is then dangling", async () => {
    await store.load({ path: fixture("odd-oci-gzip.tar") as string });
    const [loaded] = await store.load({ path: fixture("odd-docker20.tar") as string });
    expect(loaded?.moved).toEqual([{ name: "odd:1", from: ODD_OCI }]);
    const images = store.open().images();
    expect(images.find((image) => image.id === ODD_OCI)?.names).toEqual([]);
    expect(images.find((image) => image.id === ODD)?.names).toEqual(["docker.io/library/odd:1"]);
  });

  it("sizes are those that docker shows", async () => {
    const [busybox, odd] = await store.load({ path: fixture("two-images.tar.gz") as string });
    expect(busybox?.image.sizeBytes).toBe(1_984_172);
    expect(odd?.image.sizeBytes).toBe(6_064_436);
  });

  it("a byte changed in any blob is noticed, and nothing is kept", { timeout: 300_000 }, async () => {
    const layout = store.path("layout");
    mkdirSync(layout);
    await new Promise((resolve) =>
      spawn("tar", ["xf", fixture("odd-oci-gzip.tar") as string, "-C", layout]).on("exit", resolve),
    );
    store.open();
    const before = store.listing();
    const blobs = readdirSync(join(layout, "blobs/sha256"));
    expect(blobs.length).toBeGreaterThan(10);
    for (const [number, blob] of blobs.entries()) {
      const path = join(layout, "blobs/sha256", blob);
      const good = readFileSync(path);
      const bad = Buffer.from(good);
      const at = (number * 7919) % bad.length;
      bad[at] = (bad[at] as number) ^ 0x10;
      writeFileSync(path, bad);
      await expect(store.load({ path: layout }), `blob ${blob}, byte ${at}`).rejects.toThrow(
        expect.objectContaining({ kind: "invalid" }),
      );
      expect(store.listing()).toEqual(before);
      writeFileSync(path, good);
    }
    await store.load({ path: layout });
  });
});

describe("loading archives of any shape", () => {
  const layerOf = (entries: Entry[]): Promise<Buffer> => tarOf(entries);
  const file = (bytes: Buffer, name = "archive"): { path: string } => {
    writeFileSync(store.path(name), bytes);
    return { path: store.path(name) };
  };

  it("layers may be links to layers, forwards and backwards, relative and by way of links", async () => {
    const layer = await layerOf([[{ name: "file" }, "content"]]);
    const config = JSON.stringify({
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: Array(4).fill(`sha256:${sha256(layer)}`) },
    });
    const archive = await tarOf([
      [{ name: "a/layer.tar", type: "symlink", linkname: "../b/layer.tar" }],
      [{ name: "b/layer.tar" }, layer],
      [{ name: "c/layer.tar", type: "link", linkname: "b/layer.tar" }],
      [{ name: "d/layer.tar", type: "symlink", linkname: "../a/layer.tar" }],
      [{ name: "config.json" }, config],
      [
        { name: "./manifest.json" },
        JSON.stringify([
          { Config: "config.json", RepoTags: null, Layers: ["a", "b", "c", "d"].map((d) => `${d}/layer.tar`) },
        ]),
      ],
    ]);
    const [loaded] = await store.load(file(archive));
    expect(loaded?.names).toEqual([]);
    expect(loaded?.image.layers).toHaveLength(4);
    expect(store.problems()).toEqual([]);
    expect(summary(await loadFromPipe(archive, 3))).toEqual(summary([loaded as LoadedImage]));
  });

  it("links in a circle, to nothing and to outside are refused", async () => {
    for (const [linkname, code] of [
      ["layer.tar", "ARCHIVE_INVALID"],
      ["../nowhere", "LAYER_MISSING"],
      ["../../../../etc/passwd", "LAYER_MISSING"],
      ["/etc/passwd", "LAYER_MISSING"],
    ]) {
      const config = JSON.stringify({ rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } });
      const archive = await tarOf([
        [{ name: "a/layer.tar", type: "symlink", linkname: linkname as string }],
        [{ name: "c.json" }, config],
        [{ name: "manifest.json" }, JSON.stringify([{ Config: "c.json", Layers: ["a/layer.tar"] }])],
      ]);
      await expect(store.load(file(archive)), linkname).rejects.toThrow(expect.objectContaining({ code }));
    }
  });

  it("a member that leads outside is refused, whatever it is for", async () => {
    for (const name of ["../outside", "a/../../outside", "a/.."]) {
      const good = await dockerArchive([await layerOf([[{ name: "f" }, "x"]])]);
      const archive = Buffer.concat([(await tarOf([[{ name }, "x"]])).subarray(0, 1024), good]);
      await expect(store.load(file(archive)), name).rejects.toThrow(expect.objectContaining({ kind: "invalid" }));
      await expect(loadFromPipe(archive, 1), name).rejects.toThrow(expect.objectContaining({ kind: "invalid" }));
    }
  });

  it("the outer file and its layers may be compressed, the same bytes come out", async () => {
    const layers = [await layerOf([[{ name: "f" }, "x".repeat(100_000)]]), await layerOf([[{ name: "g" }, "y"]])];
    const plain = await dockerArchive(layers);
    const [first] = await store.load(file(plain));
    expect(summary(await store.load(file(gzipSync(plain), "outer.gz")))).toEqual(summary([first as LoadedImage]));
    const diffIds = layers.map(sha256);
    const inner = await dockerArchive(
      layers.map((layer) => gzipSync(layer)),
      { diffIds },
    );
    expect(summary(await store.load(file(inner, "inner")))).toEqual(summary([first as LoadedImage]));
    expect(store.problems()).toEqual([]);
  });

  it.skipIf(noXz)("xz is read, of the archive and of its layers", async () => {
    const xz = (bytes: Buffer): Buffer => spawnSync("xz", ["-c"], { input: bytes, maxBuffer: 1 << 28 }).stdout;
    const layer = await layerOf([[{ name: "file" }, "content".repeat(1000)]]);
    const [plain] = await store.load(file(await dockerArchive([layer])));
    const packed = await dockerArchive([xz(layer)], { diffIds: [sha256(layer)] });
    expect(summary(await store.load(file(xz(packed))))).toEqual(summary([plain as LoadedImage]));
    expect(store.problems()).toEqual([]);
  });

  it("bzip2 gets a clear refusal", async () => {
    await expect(store.load(file(Buffer.concat([Buffer.from("BZh91AY&SY"), Buffer.alloc(600)])))).rejects.toThrow(
      expect.objectContaining({
        code: "COMPRESSION_UNSUPPORTED",
        remedy: expect.stringContaining("Decompress it with bzip2 first") as string,
      }),
    );
  });

  it("an image without layers loads", async () => {
    const [loaded] = await store.load(file(await dockerArchive([], { tag: "scratch:1" })));
    expect(loaded?.names).toEqual(["scratch:1"]);
    expect(loaded?.image.layers).toEqual([]);
    expect(store.problems()).toEqual([]);
  });

  it("a cut at any block of an archive is noticed, from a file and from a pipe", async () => {
    const archive = await dockerArchive([await layerOf([[{ name: "f" }, "x".repeat(5000)]])]);
    store.open();
    const before = store.listing();
    for (let cut = 0; cut < archive.length - 1536; cut += 512 + (cut % 3)) {
      const part = archive.subarray(0, cut);
      await expect(store.load(file(part)), `cut at ${cut}`).rejects.toThrow(
        expect.objectContaining({ kind: "invalid" }),
      );
      expect(store.listing()).toEqual(before);
    }
    for (const cut of [1, 700, 3000, 6000]) {
      await expect(loadFromPipe(archive.subarray(0, cut), cut)).rejects.toThrow(
        expect.objectContaining({ kind: "invalid" }),
      );
      expect(store.listing()).toEqual(before);
    }
    const zipped = gzipSync(archive);
    for (let cut = 20; cut < zipped.length; cut += 97) {
      await expect(store.load(file(zipped.subarray(0, cut))), `cut at ${cut}`).rejects.toThrow(
        expect.objectContaining({ kind: "invalid" }),
      );
    }
    expect(store.listing()).toEqual(before);
    expect(gunzipSync(zipped)).toEqual(archive);
  });

  it("of an index for several platforms, the one asked for is taken, and attestations are not", async () => {
    const blobs = new Map<string, Buffer>();
    const blob = (content: Buffer | object, mediaType: string): { mediaType: string; digest: string; size: number } => {
      const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
      const hex = createHash("sha256").update(bytes).digest("hex");
      blobs.set(hex, bytes);
      return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
    };
    const OCI = "application/vnd.oci.image";
    const manifest = async (architecture: string): Promise<object> => {
      const layer = await layerOf([[{ name: architecture }, architecture]]);
      return {
        ...blob(
          {
            schemaVersion: 2,
            config: blob(
              { os: "linux", architecture, rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] } },
              `${OCI}.config.v1+json`,
            ),
            layers: [blob(layer, `${OCI}.layer.v1.tar`)],
          },
          `${OCI}.manifest.v1+json`,
        ),
        platform: { os: "linux", architecture },
      };
    };
    const absent = { mediaType: `${OCI}.manifest.v1+json`, digest: `sha256:${"1".repeat(64)}`, size: 5 };
    const index = blob(
      {
        schemaVersion: 2,
        manifests: [
          await manifest("s390x"),
          await manifest("amd64"),
          await manifest("arm64"),
          { ...absent, platform: { os: "linux", architecture: "riscv64" } },
          {
            ...blob({ schemaVersion: 2, config: absent, layers: [] }, `${OCI}.manifest.v1+json`),
            platform: { os: "unknown", architecture: "unknown" },
            annotations: { "vnd.docker.reference.type": "attestation-manifest" },
          },
        ],
      },
      `${OCI}.index.v1+json`,
    );
    const top = {
      schemaVersion: 2,
      manifests: [{ ...index, annotations: { "org.opencontainers.image.ref.name": "multi:1" } }],
    };
    const layout = store.path("multi");
    mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
    for (const [hex, bytes] of blobs) writeFileSync(join(layout, "blobs/sha256", hex), bytes);
    writeFileSync(join(layout, "index.json"), JSON.stringify(top));
    cpSync(layout, store.path("copy"), { recursive: true });
    const platform = (architecture: string): object => ({ platforms: [{ os: "linux", architecture }] });
    const [arm] = await store.load({ path: layout }, platform("arm64"));
    expect([arm?.image.config.architecture, arm?.names]).toEqual(["arm64", ["multi:1"]]);
    const [host] = await store.load({ path: layout });
    expect(host?.image.config.architecture).toBe(process.arch === "arm64" ? "arm64" : "amd64");
    await expect(store.load({ path: layout }, platform("riscv64"))).rejects.toThrow(
      expect.objectContaining({
        code: "PLATFORM_NOT_FOUND",
        message: expect.stringContaining("linux/s390x") as string,
      }),
    );
  });

  it("a large layer, shared by two threads, comes out the same from a file, a pipe, compressed or not", async () => {
    const layer = await layerOf([
      [{ name: "noise" }, noise(17_000_000)],
      [{ name: "zeros" }, Buffer.alloc(9_000_000)],
    ]);
    const plain = await dockerArchive([layer]);
    const zipped = await dockerArchive([gzipSync(layer, { level: 1 })], { diffIds: [sha256(layer)] });
    for (const archive of [plain, zipped]) {
      for (const load of [() => store.load(file(archive)), () => loadFromPipe(archive, 11)]) {
        const [loaded] = await load();
        expect(loaded?.image.config.rootfs.diff_ids).toEqual([`sha256:${sha256(layer)}`]);
        expect(store.problems()).toEqual([]);
        await store.open().removeImage(loaded?.image.id as `sha256:${string}`);
      }
      const before = store.listing();
      const bad = Buffer.from(archive);
      bad[5_000_000] = (bad[5_000_000] as number) ^ 1;
      for (const broken of [bad, archive.subarray(0, 9_000_000)]) {
        await expect(store.load(file(broken))).rejects.toThrow(expect.objectContaining({ kind: "invalid" }));
        await expect(loadFromPipe(broken, 12)).rejects.toThrow(expect.objectContaining({ kind: "invalid" }));
        expect(store.listing()).toEqual(before);
      }
    }
  });

  it("stops at once when cancelled, also while a pipe gives nothing, and leaves nothing", async () => {
    const fifo = store.path("silent");
    await new Promise((resolve) => spawn("mkfifo", [fifo]).on("exit", resolve));
    const fd = openSync(fifo, "r+");
    store.open();
    const before = store.listing();
    const abort = new AbortController();
    setTimeout(() => {
      abort.abort();
    }, 50);
    const start = performance.now();
    await expect(store.load({ fd }, {}, { emit: () => undefined, signal: abort.signal })).rejects.toThrow(
      expect.objectContaining({ code: "CANCELLED" }),
    );
    expect(performance.now() - start).toBeLessThan(1000);
    expect(store.listing()).toEqual(before);
    // The read that is still under way must end before the process can.
    writeFileSync(fd, "x");
    closeSync(fd);
  });
});
