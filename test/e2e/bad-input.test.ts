import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestStore } from "../tools/gantry.ts";
import { dockerArchive, editHeader, sha256, tarOf } from "../tools/make-archive.ts";

/** A pax extended header whose records are `records`, before a file whose ustar size is its content's. */
async function paxFile(records: Record<string, string>, content: string): Promise<Buffer> {
  return tarOf([
    [{ name: "fine" }, "fine"],
    [{ name: "file", pax: records }, content],
  ]);
}

const good = tarOf([[{ name: "dir/", type: "directory" }], [{ name: "dir/file" }, "content\n".repeat(5000)]]);

const CASES: Record<string, { make: () => Promise<Buffer>; says: RegExp }> = {
  "a layer whose bytes do not match its digest": {
    make: async () => dockerArchive([await good], { diffIds: [sha256("something else")] }),
    says: /digest|does not match/i,
  },
  "a missing layer": {
    make: async () => dockerArchive([await good], { without: [0] }),
    says: /made:1 .*lacks a layer .*sha256:[0-9a-f]{64}/,
  },
  "a manifest that is not JSON": {
    make: async () => dockerArchive([await good], { manifest: "[{not json" }),
    says: /manifest\.json/,
  },
  "a manifest that is JSON of another shape": {
    make: async () => dockerArchive([await good], { manifest: '{"a":1}' }),
    says: /manifest\.json/,
  },
  "more layers in the manifest than in the config": {
    make: async () =>
      dockerArchive([await good, await tarOf([[{ name: "x" }, "y"]])], { diffIds: [sha256(await good)] }),
    says: /layers/i,
  },
  "an entry called ../../x": {
    make: async () => dockerArchive([await tarOf([[{ name: "../../x" }, "out"]])]),
    says: /\.\.\/\.\.\/x/,
  },
  "an entry called /a/../../x": {
    make: async () => dockerArchive([await tarOf([[{ name: "/a/../../x" }, "out"]])]),
    says: /\.\./,
  },
  "a symlink followed by a file through it": {
    make: async () =>
      dockerArchive([
        await tarOf([[{ name: "link", type: "symlink", linkname: "/tmp" }], [{ name: "link/gantry-was-here" }, "out"]]),
      ]),
    says: /link\/gantry-was-here/,
  },
  "a hard link to nothing": {
    make: async () => dockerArchive([await tarOf([[{ name: "hard", type: "link", linkname: "../etc/shadow" }]])]),
    says: /hard|shadow/,
  },
  "a layer header with a wrong checksum": {
    make: async () => {
      const layer = Buffer.from(await good);
      layer[512 + 148] = layer[512 + 148]! ^ 1;
      return dockerArchive([layer]);
    },
    says: /checksum/i,
  },
  "a pax size that disagrees with the data": {
    make: async () => dockerArchive([await paxFile({ size: "999999" }, "short")]),
    says: /truncated|size|end/i,
  },
  "a pax record that is malformed": {
    make: async () => {
      const layer = await paxFile({ comment: "hello" }, "short");
      const at = layer.indexOf("comment=hello");
      layer.write("999", at - 3, "latin1");
      return dockerArchive([layer]);
    },
    says: /pax/i,
  },
  "an outer header with a wrong checksum": {
    make: async () => {
      const archive = Buffer.from(await dockerArchive([await good]));
      archive[0] = archive[0]! ^ 1;
      return archive;
    },
    says: /checksum/i,
  },
  "a member that claims an impossible size": {
    make: async () => {
      const archive = await dockerArchive([await good]);
      return editHeader(archive, 0, (header) => header.write("77777777777\0", 124, "latin1"));
    },
    says: /truncated|size|end|space/i,
  },
  "an empty file": { make: () => Promise.resolve(Buffer.alloc(0)), says: /empty|archive/i },
  text: { make: () => Promise.resolve(Buffer.from("hello, this is no archive\n".repeat(100))), says: /archive|tar/i },
  "a tar that is no image": { make: () => good, says: /manifest\.json|index\.json|archive/i },
};

describe("bad input to load", () => {
  const store = new TestStore();
  let before: string[] = [];
  beforeAll(async () => {
    writeFileSync(
      store.path("first.tar"),
      await dockerArchive([await tarOf([[{ name: "first" }, "1"]])], { tag: "first:1" }),
    );
    store.run("load", "-i", store.path("first.tar"));
    store.run("images");
    before = store.listing();
    mkdirSync(store.path("outside"));
  });
  afterAll(() => store.dispose());

  const refused = (archive: Buffer, says: RegExp, how: "file" | "pipe"): void => {
    writeFileSync(store.path("bad.tar"), archive);
    const result =
      how === "file" ? store.try(["load", "-i", store.path("bad.tar")]) : store.try(["load"], { input: archive });
    expect(result.stderr.toString()).toMatch(says);
    expect(result.status).toBe(1);
    expect(result.stderr.toString()).not.toMatch(/\n\s+at /);
    expect(store.listing()).toEqual(before);
    expect(existsSync("/tmp/gantry-was-here")).toBe(false);
    expect(readdirSync(store.path("outside"))).toEqual([]);
  };

  describe.each(["file", "pipe"] as const)("from a %s", (how) => {
    it.each(Object.keys(CASES))("refuses %s and leaves the store as it was", async (name) => {
      const { make, says } = CASES[name]!;
      refused(await make(), says, how);
    });

    it("refuses an archive cut off anywhere", async () => {
      const archive = await dockerArchive([await good]);
      // The end-of-archive blocks alone may be missing: every reader of tars accepts that.
      const whole = archive.length - 1024;
      for (const cut of [1, 511, 512, 700, 1500, 5000, 20_000, whole - 1500, whole - 513, whole - 511]) {
        refused(archive.subarray(0, cut), /./, how);
      }
    });
  });

  it("says that a file is not there, and which", () => {
    const result = store.try(["load", "-i", store.path("nowhere.tar")]);
    expect(result.status).toBe(1);
    expect(result.stderr.toString()).toMatch(/nowhere\.tar.*no such file/i);
  });
});
