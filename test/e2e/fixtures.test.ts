import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixture, missing, TestStore, treeOf } from "../tools/gantry.ts";

const CASES = [
  { archive: "busybox-docker20.tar", image: "busybox:latest", tree: "busybox.tree.jsonl" },
  { archive: "odd-docker20.tar", image: "odd:1", tree: "odd.tree.jsonl" },
  { archive: "odd-docker25.tar", image: "odd:1", tree: "odd.tree.jsonl" },
  { archive: "odd-oci-gzip.tar", image: undefined, tree: "odd.tree.jsonl" },
  { archive: "odd-oci-zstd.tar", image: undefined, tree: "odd.tree.jsonl" },
  { archive: "two-images.tar.gz", image: "odd:1", tree: "odd.tree.jsonl" },
  { archive: "two-images.tar.gz", image: "busybox:latest", tree: "busybox.tree.jsonl" },
] as const;

const reason = missing({
  root: true,
  tools: ["python3"],
  fixtures: [...CASES.map((c) => c.archive), "odd.tree.jsonl"],
});

describe.skipIf(reason).each(CASES)("the fixture $archive ($image)", ({ archive, image, tree }) => {
  const store = new TestStore();
  let reference = "";
  const expected = (): string[] => readFileSync(fixture(tree)!, "utf8").trimEnd().split("\n");

  beforeAll(() => {
    const printed = store.run("load", "-i", fixture(archive)!);
    reference = image ?? /^Loaded image(?: ID)?: (.*)$/m.exec(printed)![1]!;
  });
  afterAll(() => store.dispose());

  it("exports as the tree that docker export shows", () => {
    const id = store.run("create", reference, "true");
    const { stdout } = store.try(["export", id]);
    expect(treeOf("tar", stdout, "--rules", "fixture")).toEqual(expected());
  });

  it("is that tree to a process in a container", () => {
    const id = store.run("run", "-d", "--network", "none", "--entrypoint", "sleep", reference, "1000");
    const pid = store.run("inspect", "--format", "{{.State.Pid}}", id);
    expect(treeOf("dir", `/proc/${pid}/root/`, "--rules", "fixture")).toEqual(expected());
    store.run("rm", "-f", id);
  });

  it("loads the same from a pipe", () => {
    const second = new TestStore();
    try {
      const piped = second.try(["load", "-q"], { input: readFileSync(fixture(archive)!) });
      expect(piped.stderr.toString()).toBe("");
      expect(second.run("images", "-q", "--no-trunc")).toBe(store.run("images", "-q", "--no-trunc"));
    } finally {
      second.dispose();
    }
  });

  it("keeps its image id when saved and loaded again", () => {
    const saved = store.path("saved.tar");
    store.run("save", "-o", saved, reference);
    const second = new TestStore();
    try {
      second.run("load", "-i", saved);
      const id = store.run("inspect", "--format", "{{.Id}} {{.RootFS.Layers}}", reference);
      expect(second.run("inspect", "--format", "{{.Id}} {{.RootFS.Layers}}", reference)).toBe(id);
    } finally {
      second.dispose();
    }
  });
});
