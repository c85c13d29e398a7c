import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diffImages } from "../../../src/engine/diff-images.ts";
import { listFiles, openFiles } from "../../../src/engine/image-files.ts";
import { SILENT_REPORTER } from "../../../src/events/progress.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { dockerArchive, tarOf } from "../../tools/make-archive.ts";

describe("files of an archive that was never loaded", () => {
  const work = mkdtempSync(join(tmpdir(), "gantry-files-"));
  const archive = `archive:${join(work, "a.tar")}`;
  const store = openStore(join(work, "store"));
  const failure = async (work: Promise<unknown>): Promise<unknown> => await work.catch((error: unknown) => error);

  beforeAll(async () => {
    const layer = await tarOf([
      [{ name: "bin", type: "symlink", linkname: "usr/bin" }],
      [{ name: "usr/bin/tool" }, "x".repeat(300_000)],
      [{ name: "loop", type: "symlink", linkname: "loop" }],
      [{ name: "fifo", type: "fifo" }],
    ]);
    writeFileSync(join(work, "a.tar"), await dockerArchive([layer], { tag: "a:1" }));
  });
  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  it("are found through links, also the directory that is asked for", async () => {
    const paths = async (...of: string[]): Promise<string[]> =>
      (await listFiles(store, archive, { paths: of, recursive: false }, SILENT_REPORTER)).map(({ path }) =>
        path.toString(),
      );
    expect(await paths("/usr/bin")).toEqual(["/usr/bin/tool"]);
    expect(await paths("bin/tool")).toEqual(["/usr/bin/tool"]);
    expect(await paths("/bin")).toEqual(["/bin"]);
    expect(await paths("/bin/")).toEqual(["/usr/bin/tool"]);
  });

  it("are read whole, piece by piece", async () => {
    const files = await openFiles(store, archive, SILENT_REPORTER);
    const pieces: Buffer[] = [];
    await files.copy("/bin/tool", (bytes) => Promise.resolve(void pieces.push(Buffer.from(bytes))));
    expect(Buffer.concat(pieces).toString()).toBe("x".repeat(300_000));
    const copy = (path: string) => failure(files.copy(path, () => Promise.resolve()));
    expect(await copy("/bin/other")).toMatchObject({ code: "PATH_NOT_FOUND" });
    expect(await copy("/usr")).toMatchObject({ code: "PATH_INVALID" });
    expect(await copy("/fifo")).toMatchObject({ code: "PATH_INVALID" });
    expect(await copy("/loop")).toMatchObject({ code: "PATH_SYMLINK_LOOP" });
    await files.close();
  });

  it("belong to an image, a layer and a path that are there", async () => {
    const list = (given: string, options: object) => failure(listFiles(store, given, options, SILENT_REPORTER));
    expect(await list("nothing", {})).toMatchObject({ code: "IMAGE_NOT_FOUND" });
    expect(await list(`${archive}:b:1`, {})).toMatchObject({ code: "IMAGE_NOT_FOUND" });
    expect(await list("archive:/nowhere.tar", {})).toMatchObject({ code: "ARCHIVE_NOT_FOUND" });
    expect(await list("container:nobody", {})).toMatchObject({ code: "CONTAINER_NOT_FOUND" });
    expect(await list(archive, { layer: "2" })).toMatchObject({ code: "LAYER_MISSING" });
    expect(await list(archive, { paths: ["/nowhere"] })).toMatchObject({ code: "PATH_NOT_FOUND" });
    expect(await failure(diffImages(store, [archive, archive], { path: "/nowhere" }, SILENT_REPORTER))).toMatchObject({
      code: "PATH_INVALID",
    });
  });

  it("say so where there is a package database that cannot be read", async () => {
    const layer = await tarOf([[{ name: "usr/lib/sysimage/rpm/rpmdb.sqlite" }, "SQLite format 3"]]);
    writeFileSync(join(work, "rpm.tar"), await dockerArchive([layer], { tag: "rpm:1" }));
    const diff = await diffImages(store, [archive, join(work, "rpm.tar")], {}, SILENT_REPORTER);
    expect(diff.packages).toEqual([]);
    expect(diff.packageNotes).toEqual([expect.stringContaining("rpm packages are not compared")]);
  });
});
