import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LayerIndex } from "../../../src/layer/layer-index.ts";
import { makeWorkingDirectory } from "../../../src/runtime/working-directory.ts";
import { missing } from "../../tools/gantry.ts";
import { buildIndex } from "../layer/index-builder.ts";

const index = new LayerIndex(
  buildIndex([
    { path: "srv", type: "dir", mode: 0o2750, uid: 7, gid: 8, mtime: 1_000_000 },
    { path: "srv/deep", type: "dir", mode: 0o700, mtime: 2_000_000 },
    { path: "file", type: "file" },
    { path: "link", type: "link", target: "/srv/../srv" },
    { path: "loop", type: "link", target: "loop" },
  ]),
);
let upper: string;
beforeEach(() => mkdirSync((upper = join(mkdtempSync(join(tmpdir(), "gantry-workdir-")), "upper"))));
afterEach(() => rmSync(join(upper, ".."), { recursive: true }));

describe.skipIf(missing({ root: true }))("a working directory", () => {
  it("that the image has needs nothing", () => {
    for (const path of ["/", "/srv", "/srv/deep/", "/link/deep", "/srv/../srv"])
      makeWorkingDirectory(index, upper, path);
    expect(readdirSync(upper)).toEqual([]);
  });

  it("is made with its parents, root's and mode 0755", () => {
    makeWorkingDirectory(index, upper, "/a/b/../c");
    expect(readdirSync(join(upper, "a"))).toEqual(["c"]);
    expect(statSync(join(upper, "a/c"))).toMatchObject({ mode: 0o40755, uid: 0, gid: 0 });
  });

  it("lies in copies of the image's directories, as the overlay would make them", () => {
    makeWorkingDirectory(index, upper, "/link/deep/new");
    expect(existsSync(join(upper, "srv/deep/new"))).toBe(true);
    expect(statSync(join(upper, "srv"))).toMatchObject({ mode: 0o42750, uid: 7, gid: 8, mtimeMs: 1_000_000_000 });
    expect(statSync(join(upper, "srv/deep")).mode).toBe(0o40700);
    expect(statSync(join(upper, "srv/deep")).mtimeMs).toBeGreaterThan(2_000_000_000);
  });

  it.each(["/file", "/file/x", "/loop", "/new/../.."])("is refused at %s", (path) => {
    expect(() => makeWorkingDirectory(index, upper, path)).toThrow(
      expect.objectContaining({ code: "CONTAINER_CONFIG_INVALID" }),
    );
    expect(readdirSync(upper)).toEqual([]);
  });
});
