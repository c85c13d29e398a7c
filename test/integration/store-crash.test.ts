import { type ChildProcess, spawn } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";
import { StoreUnderTest } from "./image-store.ts";

const GANTRY = resolve(import.meta.dirname, "../../dist/gantry");
const notBuilt = !existsSync(GANTRY);
if (notBuilt) process.stderr.write("skipped: dist/gantry has not been built\n");
const KILLS = Number(process.env["GANTRY_TEST_KILLS"] ?? 12);

/** Seeded, so that a failure can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

/** Bytes that do not compress, from a seed. */
function noise(seed: string, size: number): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

describe.skipIf(notBuilt)("kill -9 at any moment", { timeout: 300_000 }, () => {
  const store = new StoreUnderTest();
  const archives = ["large", "zipped"].map((name) => store.path(`${name}.tar`));
  let wholeMs = 0;

  const run = (...args: string[]): ChildProcess =>
    spawn(GANTRY, args, {
      env: { ...process.env, GANTRY_ROOT: store.root, NODE_EXTRA_CA_CERTS: "" },
      stdio: "ignore",
    });
  const ended = (child: ChildProcess): Promise<number | null> => new Promise((done) => child.on("exit", done));

  beforeAll(async () => {
    const layers: Buffer[] = [];
    for (let n = 0; n < 4; n++) layers.push(await tarOf([[{ name: `file${n}` }, noise(`layer ${n}`, 4_000_000)]]));
    const [first, second] = archives as [string, string];
    writeFileSync(first, await dockerArchive(layers, { tag: "large:1" }));
    const zipped = layers.slice(0, 2).map((layer) => gzipSync(layer, { level: 1 }));
    writeFileSync(second, await dockerArchive(zipped, { tag: "zipped:1", diffIds: layers.slice(0, 2).map(sha256) }));
    const start = performance.now();
    expect(await ended(run("load", "-q", "-i", first))).toBe(0);
    wholeMs = performance.now() - start;
    expect(store.problems()).toEqual([]);
    expect(await ended(run("rmi", "large:1"))).toBe(0);
    expect(store.problems()).toEqual([]);
  });
  afterAll(() => {
    store.dispose();
  });

  it("of load and rmi, alone or several at once, leaves a store that the next command finds whole", async () => {
    const next = random(20261122);
    for (let kill = 0; kill < KILLS; kill++) {
      const children = [run("load", "-q", "-i", archives[kill % 2] as string)];
      if (kill % 3 === 1) children.push(run("load", "-q", "-i", archives[(kill + 1) % 2] as string));
      if (kill % 3 === 2) children.push(run("rmi", "-f", "large:1", "zipped:1"));
      const ends = children.map(ended);
      await new Promise((done) => setTimeout(done, next() * wholeMs * 1.2));
      children[0]?.kill("SIGKILL");
      if (next() < 0.5) children[1]?.kill("SIGKILL");
      await Promise.all(ends);
      expect(store.problems(), `after kill ${kill}`).toEqual([]);
    }
    expect(await ended(run("load", "-q", "-i", archives[0] as string))).toBe(0);
    expect(store.open().resolveImage("large:1").layers).toHaveLength(4);
    expect(store.problems()).toEqual([]);
  });

  it("two processes that load the same image at once both succeed, and it is there once", async () => {
    const ends = [0, 1, 0].map((n) => ended(run("load", "-q", "-i", archives[n] as string)));
    expect(await Promise.all(ends)).toEqual([0, 0, 0]);
    expect(
      store
        .open()
        .images()
        .map((image) => image.names.join()),
    ).toContain("docker.io/library/large:1");
    expect(store.problems()).toEqual([]);
  });
});
