import { gzipSync } from "node:zlib";
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestStore } from "../tools/gantry.ts";
import { dockerArchive, type Entry, tarOf } from "../tools/make-archive.ts";

const MTIME = new Date(1_600_000_000_000);
const file = (name: string, content: string, rest: object = {}): Entry => [
  { name, mtime: MTIME, mode: 0o644, ...rest },
  content,
];
const dpkg = (...packages: [name: string, version: string][]): string =>
  packages
    .map(
      ([name, version]) => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`,
    )
    .join("\n");

describe("image diff", () => {
  const store = new TestStore();
  const diff = (...args: string[]): string[] => store.run("image", "diff", ...args).split("\n");
  const names = (...args: string[]): string[] => diff("--format", "name-status", ...args);

  beforeAll(async () => {
    const base = await tarOf([
      file("same", "same"),
      file("content", "aaaa"),
      file("time", "t"),
      file("mode", "m"),
      file("gone", "gone"),
      [{ name: "link", type: "symlink", linkname: "same", mtime: MTIME }],
      file("var/lib/dpkg/status", dpkg(["left", "1"], ["moved", "1.0-1"])),
    ]);
    const upper = await tarOf([
      file("content", "bbbb"),
      file("time", "t", { mtime: new Date(1_700_000_000_000) }),
      file("mode", "m", { mode: 0o755 }),
      file(".wh.gone", ""),
      [{ name: "link", type: "symlink", linkname: "content", mtime: MTIME }],
      file("new/file", "new"),
      file("var/lib/dpkg/status", dpkg(["moved", "1.0-2"], ["added", "3"])),
    ]);
    // The same files as the base, in a layer of another order: nothing but reading them can tell.
    const again = await tarOf([
      file("var/lib/dpkg/status", dpkg(["left", "1"], ["moved", "1.0-1"])),
      [{ name: "link", type: "symlink", linkname: "same", mtime: MTIME }],
      file("gone", "gone"),
      file("mode", "m"),
      file("time", "t"),
      file("content", "aaaa"),
      file("same", "same"),
    ]);
    mkdirSync(store.work, { recursive: true });
    writeFileSync(store.path("a.tar"), await dockerArchive([base], { tag: "a:1" }));
    writeFileSync(store.path("b.tar"), await dockerArchive([base, upper], { tag: "b:1" }));
    writeFileSync(store.path("c.tar"), await dockerArchive([again], { tag: "c:1" }));
    writeFileSync(store.path("b.tar.gz"), gzipSync(await dockerArchive([base, upper], { tag: "b:1" })));
    for (const name of ["a", "b", "c"]) store.run("load", "-i", store.path(`${name}.tar`));
  });
  afterAll(() => {
    store.dispose();
  });

  it("says of every file what differs, and counts", () => {
    const [heading, ...lines] = diff("--files", "a:1", "b:1");
    expect(heading).toMatch(/^Files: 2 added, 5 changed, 1 deleted \(\+\dB\)$/);
    expect(lines).toEqual([
      "C /content  (content)",
      "D /gone",
      "C /link  (link target same -> content)",
      "C /mode  (mode -rw-r--r-- -> -rwxr-xr-x)",
      "A /new",
      "A /new/file",
      "C /time  (mtime)",
      "C /var/lib/dpkg/status  (content 154B -> 155B)",
    ]);
  });

  it("says what packages were added, removed or upgraded", () => {
    expect(diff("--packages", "a:1", "b:1")).toEqual([
      "Packages: 1 added, 1 changed, 1 deleted",
      "A added:amd64  3",
      "D left:amd64   1",
      "C moved:amd64  1.0-1 -> 1.0-2",
    ]);
  });

  it("gives the same answer for images, their archives, plain and compressed, in any mix", () => {
    const expected = names("a:1", "b:1");
    const archive = (name: string): string => `archive:${store.path(name)}`;
    expect(names("a:1", archive("b.tar"))).toEqual(expected);
    expect(names(archive("a.tar"), archive("b.tar"))).toEqual(expected);
    expect(names(store.path("a.tar"), "image:b:1")).toEqual(expected);
    expect(names(archive("a.tar:a:1"), archive("b.tar.gz"))).toEqual(expected);
    expect(store.run("image", "diff", "--exit-code", "--files", "--summary", "b:1", archive("b.tar.gz"))).toBe(
      "Files: no differences",
    );
  });

  it("reads files that only their bytes can tell apart, and finds them the same", () => {
    expect(diff("--summary", "--files", "a:1", "c:1")).toEqual(["Files: no differences"]);
    expect(names("c:1", "b:1")).toEqual(names("a:1", "b:1"));
  });

  it("passes over times, keeps to a path, and counts alone, when asked to", () => {
    expect(names("--ignore", "times", "a:1", "b:1")).not.toContain("C /time");
    expect(names("--path", "/new", "a:1", "b:1")).toEqual(["A /new", "A /new/file"]);
    expect(diff("--summary", "--packages", "a:1", "b:1")).toEqual(["Packages: 1 added, 1 changed, 1 deleted"]);
    expect(store.try(["image", "diff", "--path", "/nowhere", "a:1", "b:1"]).stderr.toString()).toContain(
      "neither tree has /nowhere",
    );
  });

  it("exits as diff does with --exit-code, and with 0 without", () => {
    expect(store.try(["image", "diff", "--exit-code", "a:1", "b:1"]).status).toBe(1);
    expect(store.try(["image", "diff", "--exit-code", "a:1", "a:1"]).status).toBe(0);
    expect(store.try(["image", "diff", "a:1", "b:1"]).status).toBe(0);
  });

  it("prints JSON and templates", () => {
    const json = JSON.parse(store.run("image", "diff", "--format", "json", "a:1", "b:1")) as {
      From: { Kind: string; Name: string };
      Files: { Kind: string; Path: string; Aspects: string[]; From?: { Size: number } }[];
      Packages: { Name: string; From?: string; To?: string }[];
    };
    expect(json.From).toMatchObject({ Kind: "image", Name: "a:1" });
    expect(json.Files.find(({ Path }) => Path === "/content")).toMatchObject({ Kind: "C", Aspects: ["content"] });
    expect(json.Packages.find(({ Name }) => Name === "moved")).toMatchObject({ From: "1.0-1", To: "1.0-2" });
    expect(store.run("image", "diff", "--format", "{{.Section}} {{.Kind}} {{.Name}}", "a:1", "b:1")).toContain(
      "package A added:amd64",
    );
  });

  it("says what it looked for when there is nothing of that name", () => {
    const { status, stderr } = store.try(["image", "diff", "a:1", "nothing:1"]);
    expect(status).toBe(1);
    expect(stderr.toString()).toContain("No such image, container or archive: nothing:1");
  });

  it("lists files and prints them, links followed inside the image", () => {
    expect(store.run("image", "ls-files", "b:1", "/new")).toBe("/new\n/new/file");
    expect(store.run("image", "ls-files", "--layer", "2", "b:1").split("\n")).toContain("/.wh.gone");
    expect(store.run("image", "ls-files", "-l", "b:1", "/link")).toMatch(/^lrwxrwxrwx .* \/link -> content$/);
    expect(store.run("image", "cat", "b:1", "/link")).toBe("bbbb");
    expect(store.run("image", "cat", `archive:${store.path("b.tar.gz")}`, "new/../../mode")).toBe("m");
    const failed = store.try(["image", "cat", "b:1", "/new", "/none", "/same"]);
    expect([failed.status, failed.stdout.toString()]).toEqual([1, "same"]);
    expect(failed.stderr.toString()).toMatch(/\/new: is a directory[^]*\/none: no such file or directory/);
  });

  it("says how many bytes later layers hide", () => {
    const shown = JSON.parse(store.run("image", "analyze", "--format", "json", "b:1")) as {
      Wasted: number;
      Layers: { Wasted: number; Whiteouts: number }[];
      WastedPaths: { Path: string; Fate: string }[];
    };
    expect(shown.Layers.map(({ Whiteouts }) => Whiteouts)).toEqual([0, 1]);
    expect(shown.WastedPaths.map(({ Path, Fate }) => `${Fate} ${Path}`).sort()).toEqual([
      "deleted /gone",
      "rewritten /content",
      "rewritten /mode",
      "rewritten /time",
      "rewritten /var/lib/dpkg/status",
    ]);
    expect(shown.Wasted).toBe(shown.Layers[0]!.Wasted);
    expect(store.run("image", "du", "-d", "0", "-H=false", "b:1", "/new")).toMatch(/\n3 +2 +\/new$/);
  });
});
