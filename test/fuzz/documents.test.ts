import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseConfig } from "../../src/image/config.ts";
import { parseIndex, parseManifest } from "../../src/image/manifest.ts";
import { readImageRecords } from "../../src/store/image-records.ts";
import { alteredText, outcome, timeBoxed, TIMEOUT_MS } from "./time-boxed.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const descriptor = {
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  digest,
  size: 1234,
  annotations: { a: "b" },
};
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { ...descriptor, mediaType: "application/vnd.oci.image.config.v1+json" },
  layers: [descriptor, descriptor],
  annotations: { x: "y" },
});
const INDEX = JSON.stringify({
  schemaVersion: 2,
  manifests: [{ ...descriptor, platform: { os: "linux", architecture: "arm64", variant: "v8" } }, descriptor],
});
const CONFIG = JSON.stringify({
  created: "2020-02-02T02:02:02.123456789Z",
  author: "somebody",
  architecture: "amd64",
  os: "linux",
  config: {
    Env: ["A=b"],
    Cmd: ["sh"],
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/x": {} },
    Labels: { l: "v" },
    User: "0",
  },
  rootfs: { type: "layers", diff_ids: [digest, digest] },
  history: [{ created_by: "x" }, { created_by: "y", empty_layer: true }],
});
const RECORDS = JSON.stringify({
  version: 1,
  images: [{ id: digest, manifest: descriptor, names: ["docker.io/library/a:1"], sizeBytes: 5, created: "" }],
});
const WORDS = [
  "{",
  "}",
  "[",
  "]",
  "null",
  "0",
  "-1",
  "1e999",
  '"',
  ",",
  ":",
  "true",
  "{}",
  "[]",
  '""',
  '"sha256:x"',
  digest,
  '"__proto__":',
  '"size":',
  '"digest":',
  '"layers":',
  "\\u0000",
  "\\ud800",
  "9007199254740993",
];

/** Everything in a document that was read is of the type that TypeScript believes. */
it.each([
  [
    "manifest",
    MANIFEST,
    parseManifest,
    (m: ReturnType<typeof parseManifest>) =>
      [m.config, ...m.layers].map((d) => [d.digest.length, d.size.toFixed(0), d.mediaType.length]),
  ],
  [
    "index",
    INDEX,
    parseIndex,
    (i: ReturnType<typeof parseIndex>) =>
      i.manifests.map((d) => [d.digest.length, d.size.toFixed(0), d.platform?.os.length]),
  ],
  [
    "config",
    CONFIG,
    parseConfig,
    (c: ReturnType<typeof parseConfig>) => [
      c.rootfs.diff_ids.map((id) => id.length),
      c.history?.map((h) => h.created_by?.length),
    ],
  ],
] as [string, string, (bytes: Uint8Array) => unknown, (read: unknown) => unknown][])(
  "an altered %s is read or refused",
  { timeout: TIMEOUT_MS },
  async (_, text, parse, use) => {
    let read = 0;
    await timeBoxed((random) => {
      const bytes = Buffer.from(alteredText(text, random, WORDS));
      const result = outcome(() => parse(bytes));
      if (typeof result === "string") return;
      use(result);
      read++;
    });
    expect(read).toBeGreaterThan(0);
  },
);

it("altered image records are read or refused", { timeout: TIMEOUT_MS }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-fuzz-"));
  const file = join(directory, "images.json");
  try {
    await timeBoxed((random) => {
      writeFileSync(file, alteredText(RECORDS, random, WORDS));
      const records = outcome(() => readImageRecords(file));
      if (typeof records === "string") return;
      for (const { id, names, manifest, sizeBytes, created } of records) {
        expect([id.length, names.join(), manifest.digest.length, sizeBytes.toFixed(0), created.length]).toHaveLength(5);
      }
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
