import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrivateDocker } from "../tools/docker.ts";
import { missing, TestStore, treeOf } from "../tools/gantry.ts";
import { dockerArchive, type Entry, tarOf } from "../tools/make-archive.ts";

const MTIME = new Date(1_600_000_000_000);
const file = (name: string, content: string, rest: object = {}): Entry => [
  { name, mtime: MTIME, mode: 0o644, ...rest },
  content,
];
const directory = (name: string, rest: object = {}): Entry => [
  { name: `${name}/`, type: "directory", mtime: MTIME, mode: 0o755, ...rest },
];

/** Layers in which everything happens that a squash has to bring along. */
async function layers(): Promise<Buffer[]> {
  return [
    await tarOf([
      directory("etc", { mode: 0o750, uid: 3 }),
      file("etc/kept", "kept"),
      file("etc/gone", "gone"),
      directory("dir"),
      file("dir/a", "a"),
      file("dir/b", "b"),
      directory("becomes-file"),
      file("becomes-file/x", "x"),
      file("becomes-directory", "f"),
      file("linked", "linked"),
      [{ name: "linked-too", type: "link", linkname: "linked", mtime: MTIME }],
    ]),
    await tarOf([
      file("etc/.wh.gone", ""),
      directory("dir"),
      file("dir/.wh..wh..opq", ""),
      file("dir/c", "c".repeat(700)),
      file("becomes-file", "now a file"),
      directory("becomes-directory"),
      file("becomes-directory/y", "y", { mode: 0o4755 }),
      file("temporary", "t".repeat(5000)),
    ]),
    await tarOf([
      file(".wh.temporary", ""),
      file(".wh.linked-too", ""),
      directory("etc", { mode: 0o700, uid: 3 }),
      file("etc/new", "new"),
      [{ name: "etc/also-new", type: "link", linkname: "etc/new", mtime: MTIME }],
    ]),
  ];
}

interface Inspected {
  Id: string;
  Config: unknown;
  RootFS: { Layers: string[] };
}

describe("image squash", () => {
  const store = new TestStore();
  const inspect = (name: string): Inspected => (JSON.parse(store.run("image", "inspect", name)) as Inspected[])[0]!;
  const history = (name: string): string[] =>
    store.run("history", "--no-trunc", "--format", "{{.Size}} {{.CreatedBy}}", name).split("\n");
  let tree: string[];
  const treeOfImage = (name: string): string[] => {
    const id = store.run("create", name, "sh");
    try {
      return treeOf("tar", store.try(["export", id]).stdout, "--links", "--rules", "all");
    } finally {
      store.run("rm", id);
    }
  };

  beforeAll(async () => {
    writeFileSync(store.path("many.tar"), await dockerArchive(await layers(), { tag: "many:1" }));
    store.run("load", "-i", store.path("many.tar"));
    tree = treeOfImage("many:1");
  });
  afterAll(() => {
    store.dispose();
  });

  it.each([
    ["flatten", ["image", "flatten"], 1],
    ["the upper two", ["image", "squash", "--from", "2"], 2],
    ["the upper two, as a digest says", ["image", "squash", "--from"], 2],
  ])("gives the same tree and config in fewer layers: %s", (_, words, count) => {
    const before = inspect("many:1");
    const from = words.at(-1) === "--from" ? [before.RootFS.Layers[1]!] : [];
    const id = store.run(...words, ...from, "--quiet", "--timestamp", "2000000000", "-t", "fewer:1", "many:1");
    const after = inspect("fewer:1");
    expect(after.Id).toBe(id);
    expect(after.RootFS.Layers).toHaveLength(count);
    expect(after.RootFS.Layers.slice(0, -1)).toEqual(before.RootFS.Layers.slice(0, count - 1));
    expect(after.Config).toEqual(before.Config);
    expect(treeOfImage("fewer:1")).toEqual(tree);
  });

  it("keeps the steps of the history, and leaves a layer only to those that have one", () => {
    store.run("image", "squash", "--from", "2", "-m", "smaller", "-t", "steps:1", "many:1");
    const steps = history("steps:1");
    expect(steps.map((step) => step.replace(/^\S+ /, ""))).toEqual([
      "gantry image squash",
      "layer 2",
      "layer 1",
      "layer 0",
    ]);
    expect(steps.map((step) => step.startsWith("0B"))).toEqual([false, true, true, false]);
  });

  it("drops what no layer shows, and says how much", () => {
    const { stderr } = store.try(["image", "flatten", "-t", "flat:1", "many:1"]);
    expect(stderr.toString()).toMatch(/^3 layers, 5\.\d+kB -> 1, 7\d\dB \(5\.?\d*kB saved\)\n$/m);
    expect(store.run("image", "analyze", "--format", "{{.Wasted}}", "flat:1")).toBe("0");
  });

  it("gives the same digest for the same image and time, and dates nothing later", () => {
    const squash = (...args: string[]): string => store.run("image", "squash", ...args, "many:1");
    expect(squash("--timestamp", "1000")).toBe(squash("--timestamp", "1970-01-01T00:16:40Z"));
    expect(squash("--timestamp", "1000")).not.toBe(squash("--timestamp", "2000"));
    const dates = store.run("image", "ls-files", "--format", "{{.ModTime}}", squash("--timestamp", "1000"));
    expect(new Set(dates.split("\n").map((date) => date.slice(0, 4)))).toEqual(new Set(["1970"]));
  });

  it("leaves an image of one layer as it is and gives it the name", () => {
    const id = store.run("image", "flatten", "-t", "one:1", "many:1");
    store.run("image", "flatten", "-t", "two:1", "one:1");
    expect(inspect("two:1").Id).toBe(id);
  });

  it("refuses layers and bases that the image does not have", () => {
    store.run("image", "flatten", "-t", "other:1", "many:1");
    expect(store.try(["image", "squash", "--from", "9", "many:1"]).stderr.toString()).toContain(
      "9 of them cannot be squashed",
    );
    expect(store.try(["image", "squash", "--from", "other:1", "many:1"]).stderr.toString()).toContain(
      "many:1 is not made from other:1",
    );
  });

  it.skipIf(missing({ root: true, tools: ["dockerd", "unshare"] }) !== undefined)(
    "makes images that docker shows the same tree of",
    { timeout: 60_000 },
    async () => {
      store.run("image", "squash", "--from", "2", "-t", "two-layers:1", "many:1");
      store.run("image", "flatten", "-t", "flat:1", "many:1");
      const docker = await PrivateDocker.start();
      try {
        store.run("save", "-o", store.path("out.tar"), "many:1", "two-layers:1", "flat:1");
        docker.run("load", "-i", store.path("out.tar"));
        const [many, two, flat] = ["many:1", "two-layers:1", "flat:1"].map((name, n) =>
          treeOf("tar", docker.exportImage(name, store.path(`docker-${n}.tar`)), "--links", "--rules", "fixture"),
        );
        expect(two).toEqual(many);
        expect(flat).toEqual(many);
      } finally {
        await docker.stop();
      }
    },
  );
});
