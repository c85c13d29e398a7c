import { describe, expect, it } from "vitest";
import { formatPlatform, parsePlatform } from "../../../src/image/platform.ts";
import type { Digest } from "../../../src/image/types.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/image/media-types.ts";
import type { ImageRecord } from "../../../src/store/image-records.ts";
import { moveNames, withoutNames } from "../../../src/store/move-names.ts";
import { resolveRecord, type ResolvedRecord } from "../../../src/store/resolve-image.ts";

const digest = (start: string): Digest => `sha256:${start.padEnd(64, "0")}`;
const index = (start: string) => ({ descriptor: { mediaType: OCI_INDEX, digest: digest(start), size: 10 } });
const taggedAt = "2024-01-01T00:00:00Z";

function record(id: string, platform: string): ImageRecord {
  const manifest = { mediaType: OCI_MANIFEST, digest: digest(`e${id}`), size: 10 };
  return { id: digest(id), manifest, names: [], sizeBytes: 1, created: "", platform: parsePlatform(platform) };
}

const NAME = "docker.io/library/app:latest";

/** arm64, amd64 and arm/v7 of one index, all called `app`. */
function published(): ImageRecord[] {
  let records = [record("a1", "linux/arm64/v8"), record("b1", "linux/amd64"), record("c1", "linux/arm/v7")];
  for (const { id } of records) records = moveNames(records, { id, names: [NAME], index: index("d1"), taggedAt });
  return records;
}

function resolve(records: ImageRecord[], reference: string, platform?: string): ResolvedRecord {
  return resolveRecord(records, reference, {
    platform: platform === undefined ? undefined : parsePlatform(platform),
    platformOf: (each) => each.platform ?? { os: "linux", architecture: "read-from-config" },
  });
}

describe("a name of a multi-platform image", () => {
  const records = published();

  it("means all its platforms, and resolves to the host's", () => {
    const found = resolve(records, "app");
    expect(found.all.map(({ id }) => id)).toEqual([digest("a1"), digest("b1"), digest("c1")]);
    expect(found.index).toBe(digest("d1"));
    if (process.arch === "x64") expect(found.record.id).toBe(digest("b1"));
  });

  it.each([
    ["linux/arm64", "a1"],
    ["linux/arm64/v8", "a1"],
    ["amd64", "b1"],
    ["linux/arm/v7", "c1"],
  ])("asked for %s it is exactly that one", (platform, id) => {
    expect(resolve(records, "app", platform).record.id).toBe(digest(id));
    expect(resolve(records, digest("d1"), platform).record.id).toBe(digest(id));
    expect(resolve(records, `app@${digest("d1")}`, platform).record.id).toBe(digest(id));
  });

  it("says which platforms there are when it has not the one asked for", () => {
    for (const platform of ["linux/s390x", "linux/arm/v6", "windows/amd64"]) {
      expect(() => resolve(records, "app", platform)).toThrow(
        expect.objectContaining({
          code: "PLATFORM_NOT_FOUND",
          message: expect.stringContaining("actual: linux/arm64/v8, linux/amd64, linux/arm/v7") as string,
        }),
      );
    }
  });

  it("an id means one platform, and an other platform of it is not found", () => {
    const found = resolve(records, digest("a1"));
    expect(found).toMatchObject({ record: { id: digest("a1") }, all: [{ id: digest("a1") }] });
    expect(found.index).toBeUndefined();
    expect(() => resolve(records, "a1", "linux/amd64")).toThrow(/wanted linux\/amd64, actual: linux\/arm64\/v8/);
  });

  it("a manifest's digest and a unique prefix of the index's resolve too", () => {
    expect(resolve(records, digest("ea1")).record.id).toBe(digest("a1"));
    expect(resolve(records, "d1").index).toBe(digest("d1"));
    expect(() => resolve(records, `other@${digest("d1")}`)).toThrow(/No such image/);
  });

  it("records of older stores, which say no platform, are read from their configs", () => {
    const [first] = records as [ImageRecord];
    const { platform: _platform, indexes: _indexes, ...old } = first;
    expect(resolve([old], "app").record).toEqual(old);
    expect(() => resolve([old], "app", "linux/amd64")).toThrow(/actual: linux\/read-from-config/);
  });
});

describe("names that move", () => {
  const names = (records: ImageRecord[]): string[] =>
    records.map((each) => `${formatPlatform(each.platform ?? { os: "", architecture: "" })}: ${each.names.join(" ")}`);

  it("to one image alone leave all platforms, which keep their index", () => {
    const records = moveNames([...published(), record("f1", "linux/amd64")], {
      id: digest("f1"),
      names: [NAME],
      taggedAt,
    });
    expect(names(records)).toEqual([
      "linux/arm64/v8: ",
      "linux/amd64: ",
      "linux/arm/v7: ",
      expect.stringContaining("app"),
    ]);
    expect(resolve(records, digest("d1")).all).toHaveLength(3);
  });

  it("to one platform by its id mean that image and no longer the index", () => {
    const records = moveNames(published(), { id: digest("a1"), names: [NAME], taggedAt });
    expect(resolve(records, "app")).toEqual({ name: NAME, record: records[0], all: [records[0]] });
  });

  it("an index that no name means is forgotten once the image has another one", () => {
    let records = published();
    for (const id of [digest("a1"), digest("b1")]) {
      records = moveNames(records, { id, names: [NAME], index: index("d2"), taggedAt });
    }
    expect(records.map((each) => each.indexes?.map((known) => known.descriptor.digest))).toEqual([
      [digest("d2")],
      [digest("d2")],
      [digest("d1")],
    ]);
    expect(records.map((each) => each.names.length)).toEqual([1, 1, 0]);
  });

  it("taken away they are taken away from the index as well", () => {
    const [first] = published() as [ImageRecord];
    const without = withoutNames(first, first.names);
    expect(without.names).toEqual([]);
    expect(without.indexes).toEqual([{ ...index("d1"), names: [] }]);
  });
});
