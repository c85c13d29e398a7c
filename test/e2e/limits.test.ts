import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { TestStore } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

describe("what an archive may ask for is limited", () => {
  const store = new TestStore();
  afterAll(() => store.dispose());

  const load = async (layer: Buffer, args: string[], env = {}) => {
    writeFileSync(store.path("image.tar"), await dockerArchive([layer]));
    const result = store.try(["load", "-q", "-i", store.path("image.tar"), ...args], { env });
    return { status: result.status, text: result.stderr.toString() };
  };
  const deep = tarOf([[{ name: `${"d/".repeat(1500)}f` }, "x"]]);

  it("refuses more, says which limit and how to raise it, and then loads", async () => {
    const refused = await load(await deep, []);
    expect(refused.status).toBe(1);
    expect(refused.text).toMatch(/a path of 1501 components is deeper than the limit of 1024/);
    expect(refused.text).toMatch(/--limit depth=1501/);
    expect(await load(await deep, ["--limit", "depth=1501"])).toEqual({ status: 0, text: "" });
  });

  it("takes them from the environment too, flags winning", async () => {
    const small = await tarOf([
      [{ name: "file" }, "12345"],
      [{ name: "other" }, "x"],
    ]);
    const env = { GANTRY_LIMITS: "entries=1, entry-bytes=1m" };
    expect((await load(small, [], env)).text).toMatch(/more than 1 entries[^]*--limit entries=/);
    expect(await load(small, ["--limit", "entries=2"], env)).toEqual({ status: 0, text: "" });
    expect((await load(small, [], { GANTRY_LIMITS: "depht=5" })).text).toMatch(/GANTRY_LIMITS.*did you mean depth/s);
  });

  it.each([
    ["depht=5", /did you mean depth\?/],
    ["depth", /NAME=VALUE/],
    ["depth=1k", /must be a number/],
    ["depth=99999999", /at most/],
  ])("refuses --limit %s", async (text, says) => {
    const { status, text: printed } = await load(await deep, ["--limit", text]);
    expect(status).toBe(125);
    expect(printed).toMatch(says);
  });

  it("stops a decompression bomb before the disk is full", async () => {
    const bomb = gzipSync(Buffer.concat([await tarOf([[{ name: "a" }, "x"]]), Buffer.alloc(20_000_000)]));
    writeFileSync(store.path("bomb.tar.gz"), bomb);
    const result = store.try(["load", "-i", store.path("bomb.tar.gz"), "--limit", "total-bytes=10m"]);
    expect(result.stderr.toString()).toMatch(/more than 10485760 bytes uncompressed[^]*--limit total-bytes/);
  });
});
