import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/image/config.ts";
import { encodeManifest, parseIndex, parseManifest } from "../../../src/image/manifest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "../../../src/image/media-types.ts";
import { hostPlatform, parsePlatform, platformMatches } from "../../../src/image/platform.ts";
import type { Digest } from "../../../src/image/types.ts";
import { detectCompression } from "../../../src/kernels/detect-compression.ts";

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe("manifests", () => {
  const config = { mediaType: OCI_CONFIG, digest: digest("a"), size: 3 };

  it("are made with the bytes that Docker 25 gives the same image", () => {
    const made = encodeManifest({ config, layers: [{ digest: digest("b"), size: 512 }] });
    expect(Buffer.from(made).toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${OCI_MANIFEST}","config":{"mediaType":"${OCI_CONFIG}","digest":"${digest("a")}",` +
        `"size":3},"layers":[{"mediaType":"${OCI_LAYER}","digest":"${digest("b")}","size":512}]}`,
    );
    expect(parseManifest(made).layers[0]?.digest).toBe(digest("b"));
    expect(createHash("sha256").update(made).digest("hex")).toHaveLength(64);
  });

  it.each([
    ["not JSON", "[{", "MANIFEST_INVALID"],
    ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "MANIFEST_INVALID"],
    ["a list", "[]", "MANIFEST_INVALID"],
    ["schema 1", { schemaVersion: 1, config, layers: [] }, "MANIFEST_INVALID"],
    ["an index", { schemaVersion: 2, mediaType: OCI_INDEX, config, layers: [] }, "MANIFEST_INVALID"],
    ["without config", { schemaVersion: 2, layers: [] }, "MANIFEST_INVALID"],
    ["without layers", { schemaVersion: 2, config }, "MANIFEST_INVALID"],
    ["a negative size", { schemaVersion: 2, config: { ...config, size: -1 }, layers: [] }, "MANIFEST_INVALID"],
    ["a size as text", { schemaVersion: 2, config: { ...config, size: "3" }, layers: [] }, "MANIFEST_INVALID"],
    ["another hash", { schemaVersion: 2, config: { ...config, digest: "sha512:00" }, layers: [] }, "DIGEST_INVALID"],
    [
      "a path as digest",
      { schemaVersion: 2, config: { ...config, digest: "sha256:../../x" }, layers: [] },
      "DIGEST_INVALID",
    ],
  ])("that are %s are refused", (_what, document, wanted) => {
    const input = Buffer.isBuffer(document) ? document : bytes(document);
    expect(() => parseManifest(input)).toThrow(code(wanted));
  });

  it("indexes are refused in the same way", () => {
    expect(() => parseIndex(bytes({ schemaVersion: 2, mediaType: OCI_MANIFEST, manifests: [] }))).toThrow(/media type/);
    expect(parseIndex(bytes({ schemaVersion: 2, manifests: [config] })).manifests).toEqual([config]);
  });
});

describe("configs", () => {
  it("keep what gantry does not know and fill in what old ones lack", () => {
    const parsed = parseConfig(
      bytes({ rootfs: { type: "layers", diff_ids: null }, config: null, docker_version: "1" }),
    );
    expect(parsed).toMatchObject({ os: "linux", architecture: "", docker_version: "1", rootfs: { diff_ids: [] } });
    expect(parsed.config).toBeUndefined();
  });

  it.each([
    ["no rootfs", {}],
    ["another rootfs", { rootfs: { type: "chain" } }],
    ["diff_ids that are no list", { rootfs: { type: "layers", diff_ids: {} } }],
    ["a history that is no list", { rootfs: { type: "layers" }, history: "x" }],
    ["a config that is no object", { rootfs: { type: "layers" }, config: [] }],
  ])("with %s are refused", (_what, document) => {
    expect(() => parseConfig(bytes(document))).toThrow(code("CONFIG_INVALID"));
  });
});

describe("platforms", () => {
  it("are read as --platform takes them", () => {
    expect(parsePlatform("linux/arm64/v8")).toEqual({ os: "linux", architecture: "arm64", variant: "v8" });
    expect(parsePlatform("linux/x86_64")).toEqual({ os: "linux", architecture: "amd64" });
    expect(parsePlatform("arm64")).toEqual({ os: "linux", architecture: "arm64" });
    expect(parsePlatform("linux").architecture).toBe(hostPlatform().architecture);
    for (const bad of ["", "/", "linux/", "a/b/c/d", "linux/amd 64"]) {
      expect(() => parsePlatform(bad)).toThrow(code("PLATFORM_INVALID"));
    }
  });

  it("match whatever default variant is left out", () => {
    const arm = { os: "linux", architecture: "arm64" };
    expect(platformMatches({ ...arm, variant: "v8" }, arm)).toBe(true);
    expect(platformMatches(arm, { ...arm, variant: "v8" })).toBe(true);
    const v7 = { os: "linux", architecture: "arm", variant: "v7" };
    expect(platformMatches({ ...v7, variant: "v6" }, v7)).toBe(false);
    expect(platformMatches(arm, v7)).toBe(false);
  });
});

it("compression is told from the first bytes", () => {
  expect(detectCompression(Uint8Array.of(0x1f, 0x8b, 8, 0))).toBe("gzip");
  expect(detectCompression(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd))).toBe("zstd");
  expect(detectCompression(Uint8Array.of(0x52, 0x2a, 0x4d, 0x18))).toBe("zstd");
  expect(detectCompression(Buffer.from("BZh9"))).toBe("bzip2");
  expect(detectCompression(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0))).toBe("xz");
  expect(detectCompression(Uint8Array.of(0x1f))).toBe("none");
  expect(detectCompression(new Uint8Array(0))).toBe("none");
});
