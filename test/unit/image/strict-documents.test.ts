import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/image/config.ts";
import { duplicateKey } from "../../../src/image/duplicate-key.ts";
import { parseIndex, parseManifest } from "../../../src/image/manifest.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const config = (more: object): Uint8Array => bytes({ rootfs: { type: "layers", diff_ids: [] }, ...more });
const index = (more: object): Uint8Array =>
  bytes({ schemaVersion: 2, manifests: [{ mediaType: "m", digest, size: 1, ...more }] });

describe("a key that is there twice", () => {
  it.each([
    ['{"a":1,"b":2,"a":3}', "a"],
    ['{"a":1,"A":3}', "A"],
    ['[{"a":1},{"a":1,"A":2}]', "A"],
    ['{"x":{"b":[{"c":1,"c":2}]}}', "c"],
    ['{"a\\u0062":1,"ab":2}', "ab"],
    ['{"a":{},"b":"}","a":1}', "a"],
  ])("is found in %s", (text, key) => {
    expect(duplicateKey(text)).toBe(key);
  });

  it.each([
    '{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}',
    '{"Labels":{"a":"1","A":"2"}}',
    '{"a":"a","b":["a","a"],"c":"\\"a\\":1,\\"a\\":"}',
    '["a","a"]',
    '"a"',
    "{}",
  ])("is none in %s", (text) => {
    expect(duplicateKey(text)).toBeUndefined();
  });

  it("makes a document invalid: readers would see different ones", () => {
    const twice = `{"rootfs":{"type":"layers","diff_ids":[]},"config":{"User":"1"},"config":{"Env":["A=b"]}}`;
    expect(() => parseConfig(bytes(twice))).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: 'the image config has the key "config" twice' }),
    );
  });
});

describe("a field of another type than Docker reads is refused", () => {
  it.each([
    [{ config: { Env: "A=b" } }, '"Env" that is not a list of strings'],
    [{ config: { Env: [1] } }, '"Env" that is not a list of strings'],
    [{ config: { Cmd: { 0: "sh" } } }, '"Cmd" that is not a list of strings'],
    [{ config: { Labels: { a: 1 } } }, '"Labels" that is not a map of strings'],
    [{ config: { User: 0 } }, '"User" that is not a string'],
    [{ config: { Volumes: ["/x"] } }, '"Volumes" that is not an object'],
    [{ history: [{ created_by: ["x"] }] }, '"created_by" that is not a string'],
    [{ created: 5 }, '"created" that is not a string'],
  ])("%j", (more, message) => {
    expect(() => parseConfig(config(more))).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(message) as string }),
    );
  });

  it.each([
    [{ platform: "linux/amd64" }, '"platform" that is not an object'],
    [{ platform: { os: 1 } }, '"os" that is not a string'],
    [{ annotations: { a: 1 } }, '"annotations" that is not a map of strings'],
  ])("in a descriptor: %j", (more, message) => {
    expect(() => parseIndex(index(more))).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID", message: expect.stringContaining(message) as string }),
    );
  });
});

it("null is as good as missing, and a string as a list of one where Docker takes it", () => {
  const read = parseConfig(config({ author: null, config: { Env: null, Cmd: "sh", Entrypoint: null, Labels: null } }));
  expect(read.config).toMatchObject({ Cmd: ["sh"], Env: null });
  const [first] = parseIndex(
    index({ platform: { architecture: "arm64", variant: null }, annotations: null }),
  ).manifests;
  expect(first).toEqual({ mediaType: "m", digest, size: 1, platform: { architecture: "arm64", os: "" } });
});

it("a manifest keeps what it is not asked for, in its order", () => {
  const given = { schemaVersion: 2, x: 1, config: { size: 1, data: "", mediaType: "m", digest }, layers: [] };
  expect(JSON.stringify(parseManifest(bytes(given)))).toBe(JSON.stringify(given));
});
