import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missing, TestStore } from "../tools/gantry.ts";
import { multiPlatform } from "../tools/make-layout.ts";

const ALL = ["linux/amd64", "linux/arm/v7", "linux/arm64/v8"];
const platformsOf = (store: TestStore, reference: string): string[] => {
  const index = JSON.parse(store.run("manifest", "inspect", reference)) as {
    manifests: { platform: { os: string; architecture: string; variant?: string } }[];
  };
  return index.manifests
    .map(({ platform: { os, architecture, variant } }) => [os, architecture, variant].filter(Boolean).join("/"))
    .filter((platform) => !platform.startsWith("unknown"))
    .sort();
};

describe("a multi-platform image on the command line", () => {
  const store = new TestStore();
  let index = "";
  beforeAll(async () => {
    const made = await multiPlatform({ compress: (tar) => gzipSync(tar) });
    index = made.index.digest;
    writeFileSync(store.path("multi.tar"), await made.layout.archive());
    made.layout.without(made.images["linux/arm/v7"]!.manifest.digest);
    writeFileSync(store.path("sparse.tar"), await made.layout.archive());
  });
  afterAll(() => store.dispose());

  it("is loaded from a pipe, listed once by its name, and inspected by platform", async () => {
    const made = await multiPlatform();
    expect(store.try(["load"], { input: await made.layout.archive() }).stdout.toString()).toBe(
      "Loaded image: multi:1\n",
    );
    // The same images, compressed, under another index: their manifests are from now on those that it lists.
    expect(store.run("load", "-q", "-i", store.path("multi.tar"))).toBe("Loaded image: multi:1");
    expect(store.run("images", "--format", "{{.Repository}}:{{.Tag}}", "multi")).toBe("multi:1");
    expect(store.run("images", "--digests", "--format", "{{.Digest}}", "multi")).toBe(index);
    expect(platformsOf(store, "multi:1")).toEqual(ALL);
    expect(platformsOf(store, `multi@${index}`)).toEqual(ALL);
    const inspect = (platform: string): string =>
      store.run("image", "inspect", "--platform", platform, "-f", "{{.Os}}/{{.Architecture}}", "multi:1");
    expect(inspect("linux/arm64")).toBe("linux/arm64");
    expect(inspect("arm")).toBe("linux/arm");
    const wrong = store.try(["image", "inspect", "--platform", "linux/s390x", "multi:1"]);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr.toString()).toMatch(
      /wanted linux\/s390x, actual: linux\/arm64\/v8, linux\/amd64, linux\/arm\/v7/,
    );
  });

  it("that is sparse is loaded with a warning, and a dry run says it before", () => {
    const dry = store.run("load", "--dry-run", "-i", store.path("sparse.tar"));
    expect(dry).toMatch(/linux\/arm\/v7 is not in the archive/);
    const loaded = store.try(["load", "-i", store.path("sparse.tar"), "--tag", "sparse:1"]);
    expect([loaded.status, loaded.stdout.toString()]).toEqual([0, "Loaded image: sparse:1\n"]);
    expect(loaded.stderr.toString()).toMatch(/^warning: sparse:1: linux\/arm\/v7 is not in the archive \(sha256:/m);
    const refused = store.try(["load", "--platform", "linux/arm/v7", "-i", store.path("sparse.tar")]);
    expect(refused.status).toBe(1);
    expect(refused.stderr.toString()).toMatch(/the archive was saved without it/);
  });

  it("shows manifests as docker manifest inspect does, and says what there is not", () => {
    const manifests = JSON.parse(store.run("manifest", "inspect", "-v", "multi:1")) as { Ref: string; Raw: string }[];
    expect(manifests[0]?.Ref).toMatch(/^docker\.io\/library\/multi:1@sha256:[0-9a-f]{64}$/);
    const [{ Ref, Raw }] = manifests as [{ Ref: string; Raw: string }];
    const single = store.run("manifest", "inspect", `multi@${Ref.slice(Ref.indexOf("@") + 1)}`);
    expect(single).toBe(JSON.stringify(JSON.parse(Buffer.from(Raw, "base64").toString()), undefined, "\t"));
    expect(store.run("manifest", "inspect", "multi:1")).toMatch(/^\{\n {3}"schemaVersion": 2,/);
    const none = store.try(["manifest", "inspect", "nothing"]);
    expect([none.status, none.stdout.toString()]).toEqual([1, ""]);
    expect(none.stderr.toString()).toMatch(/no such manifest: docker\.io\/library\/nothing:latest/);
  });

  it("goes with all its platforms, and leaves nothing", () => {
    store.run("rmi", "sparse:1", "multi:1");
    store.run("image", "prune", "-f");
    expect(store.run("images", "-aq")).toBe("");
    expect(store.listing().filter((line) => /^(blobs|layers)\//.test(line))).toEqual([]);
  });
});

const noTools = missing({ root: true, tools: ["buildah", "skopeo", "unshare"] });
describe.skipIf(noTools)("multi-platform archives of other tools", () => {
  const store = new TestStore();
  const script = `set -e
    B="buildah --root $W/root --runroot $W/run --storage-driver vfs"
    $B manifest create m
    for a in amd64 arm64; do
      c=$($B from --arch $a scratch); echo $a > $W/file; $B copy $c $W/file /file; $B config --arch $a $c
      $B commit -q --manifest m $c
    done
    $B manifest push -q --all m oci-archive:$W/archive.tar:example.com/made:1
    $B manifest push -q --all m oci:$W/layout:tag
    $B manifest push -q --all --format v2s2 m dir:$W/dir
    skopeo copy -q --all --dest-compress-format zstd oci:$W/layout:tag oci-archive:$W/zstd.tar:made:zstd`;
  beforeAll(() => {
    const result = spawnSync("unshare", ["-m", "sh", "-c", script], { env: { ...process.env, W: store.work } });
    expect(result.stderr.toString() + String(result.status)).toMatch(/0$/);
  }, 60_000);
  afterAll(() => store.dispose());

  it.each([
    ["buildah's OCI archive", "archive.tar", "example.com/made:1"],
    ["buildah's OCI layout", "layout", undefined],
    ["skopeo's copy of it, zstd", "zstd.tar", "made:zstd"],
    ["buildah's directory, Docker's media types", "dir", undefined],
  ])("%s", (_what, file, name) => {
    const loaded = store.run("load", "-q", "-i", store.path(file), ...(name === undefined ? ["--tag", "named"] : []));
    expect(loaded).toBe(`Loaded image: ${name ?? "named:latest"}`);
    expect(platformsOf(store, name ?? "named")).toEqual(["linux/amd64", "linux/arm64"]);
    for (const architecture of ["amd64", "arm64"]) {
      const inspect = ["image", "inspect", "--platform", architecture, "-f", "{{.Architecture}}", name ?? "named"];
      expect(store.run(...inspect)).toBe(architecture);
    }
  });

  it("what gantry saves of it, skopeo copies with all platforms and the same digest", () => {
    store.run("save", "-o", store.path("saved.tar"), "example.com/made:1");
    const digest = store.run("images", "--digests", "--format", "{{.Digest}}", "example.com/made");
    const seen = spawnSync("skopeo", ["inspect", "--raw", `oci-archive:${store.path("saved.tar")}`]);
    expect(`sha256:${spawnSync("sha256sum", { input: seen.stdout }).stdout.toString().slice(0, 64)}`).toBe(digest);
    const copied = spawnSync("skopeo", [
      ...["copy", "-q", "--all", `oci-archive:${store.path("saved.tar")}`],
      `dir:${store.path("copied")}`,
    ]);
    expect(copied.stderr.toString()).toBe("");
  });
});
