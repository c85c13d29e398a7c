import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readArchiveFile } from "../../../src/archive/contents.ts";
import { openArchive } from "../../../src/archive/open-archive.ts";
import { readVerified } from "../../../src/archive/read-config.ts";
import type { GantryError } from "../../../src/errors/index.ts";
import { SILENT_REPORTER } from "../../../src/events/progress.ts";
import { digestOf } from "../../../src/image/digest.ts";
import { ingestLayer } from "../../../src/kernels/ingest-layer.ts";
import { tarOf } from "../../tools/make-archive.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-archive-test-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const file = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(join(directory, name), bytes);
  return join(directory, name);
};
const open = (path: string) =>
  openArchive(
    { path },
    { scratch: directory, reporter: SILENT_REPORTER, storedBlob: () => undefined, onSpooling: () => undefined },
  );

describe("an archive that cannot be read", () => {
  it("is not there", async () => {
    await expect(open(join(directory, "nowhere"))).rejects.toMatchObject({ code: "ARCHIVE_NOT_FOUND" });
  });

  it.each([
    ["text", Buffer.from("root:x:0:0\n".repeat(100))],
    ["a program", Buffer.concat([Buffer.from("\x7fELF\x02\x01\x01", "latin1"), Buffer.alloc(2000, 7)])],
    ["compressed text", gzipSync("root:x:0:0\n".repeat(100))],
  ])("is %s: no image archive, says what would be one", async (_name, bytes) => {
    const path = file("other", bytes);
    const error = await open(path).then(
      () => undefined,
      (thrown: unknown) => thrown as GantryError,
    );
    expect(error).toMatchObject({ code: "TAR_INVALID" });
    expect(error?.message).toContain(`${path} is not an image archive: it is no tar`);
    expect(error?.remedy).toMatch(/docker save/);
  });

  it("is a tar with a bad header further on: that is named, with its offset", async () => {
    const tar = await tarOf([[{ name: "first" }, "1"]]);
    const path = file("half.tar", Buffer.concat([tar.subarray(0, 1024), Buffer.alloc(512, "x"), Buffer.alloc(1024)]));
    await expect(open(path)).rejects.toThrow(/half\.tar: cannot read tar entry 2 at byte 1024: /);
  });
});

describe("a file that became shorter after its archive was listed", () => {
  it("is noticed where a document is read", () => {
    const path = file("short", "12345");
    const listed = { name: "manifest.json", size: 10, location: { path, offset: 0 } };
    expect(() => readArchiveFile(listed)).toThrow(expect.objectContaining({ code: "ARCHIVE_TRUNCATED" }));
  });

  it("is noticed where a layer is read, and how far it went is said", async () => {
    const tar = await tarOf([[{ name: "a" }, "a".repeat(5000)]]);
    const path = file("layer", tar.subarray(0, 2048));
    const job = {
      label: "layer 1",
      source: { path, offset: 0, size: tar.length },
      tarFile: join(directory, "tar"),
      indexFile: join(directory, "index"),
    };
    await expect(ingestLayer(job)).rejects.toMatchObject({
      code: "ARCHIVE_TRUNCATED",
      message: `layer 1 ends after 2048 of ${tar.length} bytes`,
    });
  });
});

it("a document whose bytes or size are not those of its descriptor is refused", () => {
  const bytes = Buffer.from("{}");
  const contents = {
    label: "a.tar",
    topDirectories: () => [],
    find: (name: string) => ({ name, size: bytes.length, location: { bytes } }),
  };
  const mismatch = expect.objectContaining({ code: "DIGEST_MISMATCH" }) as Error;
  const empty = digestOf("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  expect(readVerified(contents, "config", { digest: empty, size: 2 })).toEqual(bytes);
  expect(() => readVerified(contents, "config", { digest: empty, size: 3 })).toThrow(mismatch);
  expect(() => readVerified(contents, "config", { digest: digestOf("0".repeat(64)) })).toThrow(mismatch);
});
