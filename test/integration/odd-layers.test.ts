import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extractTree, walkTree } from "../../src/bridge/index.ts";
import { isGantryError } from "../../src/errors/index.ts";
import { buildLayerIndex, mergeChain } from "../../src/kernels/layer.ts";
import { TarScanner } from "../../src/kernels/tar-scan.ts";
import { decodeRecords, type EntryRecord } from "../oracles/entry-records.ts";
import { LOWER_LAYER, ODD_LAYERS, type OddLayer } from "../suites/odd-layers.ts";
import { PrivateDocker } from "../tools/docker.ts";
import { missing } from "../tools/gantry.ts";
import { type Entry, sha256, tarOf } from "../tools/make-archive.ts";

const reason = missing({ root: true, tools: ["tar"] });
const work = mkdtempSync(join(tmpdir(), "gantry-odd-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

let made = 0;
const fresh = (): string => join(work, String(made++));

const hasLower = (group: string): boolean => group === "whiteouts";
const CASES = Object.entries(ODD_LAYERS).flatMap(([group, layers]) =>
  layers.map((layer) => ({ ...layer, lower: hasLower(group) })),
);
type Case = (typeof CASES)[number];

function indexOf(layers: readonly Buffer[]): Uint8Array {
  return mergeChain(
    layers.map((bytes) => {
      const scanner = new TarScanner();
      scanner.push(bytes);
      return buildLayerIndex(scanner.finish().records);
    }),
  );
}

const layersOf = ({ tar, lower }: Case): Buffer[] => (lower ? [LOWER_LAYER, tar] : [tar]);

type Seen = Partial<EntryRecord> & { content?: string };
const trees = new Map<string, Seen[]>();

/** What gantry makes of the layer. */
async function ourTree(layer: Case): Promise<Seen[]> {
  const known = trees.get(layer.name);
  if (known !== undefined) return known;
  const layers = layersOf(layer);
  const tars = layers.map((bytes) => {
    const path = fresh();
    writeFileSync(path, bytes);
    return path;
  });
  const target = fresh();
  await extractTree(indexOf(layers), tars, target);
  const tree = treeOf(target);
  trees.set(layer.name, tree);
  return tree;
}

/** Everything below `root` that a tar tells of. Directories' times change when files are made in them. */
function treeOf(root: string): Seen[] {
  const records = decodeRecords(walkTree(root, { overlay: "none" }).records);
  return records.map(({ type, path, link, mode, uid, gid, rdev, mtime, size, linkCount }) => ({
    ...{ type, path, link, mode, uid, gid, rdev, size },
    ...(type === 5 ? {} : { linkCount }),
    ...(type === 0 ? { mtime, content: sha256(readFileSync(Buffer.from(`${root}/${path}`, "latin1"))) } : {}),
  }));
}

describe.skipIf(reason)("of the tars that readers could disagree on", () => {
  it.each(CASES.filter(({ reads }) => reads !== true))("$name is refused", (layer) => {
    try {
      indexOf(layersOf(layer));
      expect.unreachable("it was read");
    } catch (error) {
      expect(isGantryError(error) ? error.code : error).toBe(layer.reads);
    }
  });

  const byGnu = CASES.filter(({ reads, except, lower }) => reads === true && !lower && !except?.includes("gnu"));
  it.each(byGnu)("$name is read as GNU tar reads it", async (layer) => {
    const theirs = fresh();
    mkdirSync(theirs);
    const args = ["-xpf", "-", "-C", theirs, "--numeric-owner", "--xattrs", "--xattrs-include=*"];
    const { status, stderr } = spawnSync("tar", args, { input: layer.tar, encoding: "utf8" });
    expect(status, stderr).toBe(0);
    expect(await ourTree(layer)).toEqual(treeOf(theirs));
  });
});

const noDocker = reason ?? missing({ tools: ["dockerd", "unshare"] });

describe.skipIf(noDocker)("of the tars that readers could disagree on", () => {
  const byDocker = CASES.filter(({ reads, except }) => reads === true && !except?.includes("docker"));
  let docker: PrivateDocker;
  let directories: string[][];

  /** One archive with an image a case: `odd:0`, `odd:1` ... */
  beforeAll(async () => {
    docker = await PrivateDocker.start();
    const members = new Map<string, Entry>();
    const manifest = byDocker.map((layer, n) => {
      const layers = layersOf(layer);
      const config = { architecture: "amd64", os: "linux", config: {}, number: n };
      const diff_ids = layers.map((bytes) => `sha256:${sha256(bytes)}`);
      const text = JSON.stringify({ ...config, rootfs: { type: "layers", diff_ids } });
      members.set(`${n}.json`, [{ name: `${n}.json` }, text]);
      for (const bytes of layers) members.set(sha256(bytes), [{ name: `${sha256(bytes)}/layer.tar` }, bytes]);
      return {
        Config: `${n}.json`,
        RepoTags: [`odd:${n}`],
        Layers: layers.map((bytes) => `${sha256(bytes)}/layer.tar`),
      };
    });
    members.set("manifest.json", [{ name: "manifest.json" }, JSON.stringify(manifest)]);
    const archive = fresh();
    writeFileSync(archive, await tarOf([...members.values()]));
    docker.run("load", "-q", "-i", archive);
    const format = "{{.GraphDriver.Data.UpperDir}} {{.GraphDriver.Data.LowerDir}}";
    const shown = docker.run("image", "inspect", "-f", format, ...byDocker.map((_, n) => `odd:${n}`));
    directories = shown.split("\n").map((line) => line.split(" "));
  }, 60_000);
  afterAll(() => docker.stop());

  it.each(byDocker.map((layer, n) => ({ ...layer, n })))("$name is read as Docker reads it", async (layer) => {
    const [upper = "", lower = ""] = directories[layer.n]!;
    const theirs = fresh();
    if (lower.startsWith("/")) {
      // What a container would see: the layers as overlayfs merges them.
      mkdirSync(theirs);
      const script = `mount -t overlay overlay -o lowerdir=${upper}:${lower} ${theirs} && mkdir ${theirs}-copy && cp -a ${theirs}/. ${theirs}-copy`;
      execFileSync("unshare", ["-m", "sh", "-c", script]);
    }
    const seen = treeOf(lower.startsWith("/") ? `${theirs}-copy` : upper);
    // A whiteout shows nothing to a container.
    const shown = seen.filter(({ type, rdev }) => type !== 3 || rdev![0] !== 0 || rdev![1] !== 0);
    expect(await ourTree(layer)).toEqual(shown);
  });
});

/** Keeps the corpus honest: an exception says why. */
it("says of every exception why", () => {
  const layers: OddLayer[] = Object.values(ODD_LAYERS).flat();
  expect(layers.filter(({ except, why }) => (except === undefined) !== (why === undefined))).toEqual([]);
  expect(new Set(layers.map(({ name }) => name)).size).toBe(layers.length);
});
