import { type ChildProcess, spawn } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkStore } from "../../src/engine/fsck/check-store.ts";
import { SILENT_REPORTER } from "../../src/events/progress.ts";
import { GANTRY, missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";

const notBuilt = !existsSync(GANTRY);
if (notBuilt) process.stderr.write("skipped: dist/gantry has not been built\n");
const reason = missing({ root: true });
/** How long the load with kills goes on: GANTRY_TEST_STRESS_SECONDS=120, say. */
const STRESS_SECONDS = Number(process.env["GANTRY_TEST_STRESS_SECONDS"] ?? 4);
const SEED = Number(process.env["GANTRY_TEST_SEED"] ?? 20261122);

interface Ended {
  args: string[];
  status: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** Seeded, so that a failure can be had again, as far as processes can be. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

/** What a command may say when another one was faster. */
const OUTRUN =
  /No such (?:image|container)|[Uu]nable to find image|has just been removed|removed while it was being used|already in use|is using|using its referenced image/;

describe.skipIf(notBuilt || reason !== undefined)("many commands at once", { timeout: 600_000 }, () => {
  const store = new TestStore();
  const archive = (name: string): string => store.path(`${name}.tar`);
  let exported = "";
  let container = "";

  const start = (args: string[]): { child: ChildProcess; ended: Promise<Ended> } => {
    const child = spawn(GANTRY, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "", GANTRY_ROOT: store.root },
    });
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const ended = new Promise<Ended>((resolve) =>
      child.on("close", (status, signal) => resolve({ args, status, signal, stderr })),
    );
    return { child, ended };
  };
  const problems = async (): Promise<string[]> => {
    const { left } = await checkStore(store.root, { deep: true }, SILENT_REPORTER);
    return left.map(({ code, object, problem }) => `${code}: ${object} ${problem}`);
  };
  const exportDigest = (): string => sha256(store.try(["export", container]).stdout);

  beforeAll(async () => {
    const noise = (seed: number): Buffer =>
      createCipheriv("aes-256-ctr", Buffer.alloc(32, seed), Buffer.alloc(16)).update(Buffer.alloc(400_000));
    const layers = await Promise.all([0, 1, 2, 3].map((n) => tarOf([[{ name: `f${n}` }, noise(n)]])));
    const put = async (name: string, used: number[], zip = false): Promise<void> => {
      const plain = used.map((n) => layers[n] as Buffer);
      const shown = zip ? plain.map((bytes) => gzipSync(bytes, { level: 1 })) : plain;
      writeFileSync(archive(name), await dockerArchive(shown, { tag: `${name}:1`, diffIds: plain.map(sha256) }));
    };
    await put("a", [0, 1]);
    await put("b", [0, 2], true);
    await put("c", [1, 2, 3]);
    await put("keep", [0, 3]);
    store.run("load", "-q", "-i", archive("keep"));
    container = store.run("create", "--name", "kept", "keep:1", "x");
    writeFileSync(join(store.root, "containers", container, "upper", "more"), "more");
    exported = exportDigest();
  });
  afterAll(() => store.dispose());

  /** One command, whose kind and objects are by chance. */
  const draw = (next: () => number): string[] => {
    const name = ["a", "b", "c"][Math.floor(next() * 3)] as string;
    const kinds: string[][] = [
      ["load", "-q", "-i", archive(name)],
      ["load", "-q", "-i", archive(name)],
      ["rmi", "-f", `${name}:1`],
      ["tag", `${name}:1`, `${name}:2`],
      ["rmi", `${name}:2`],
      ["commit", "kept", `made:${Math.floor(next() * 3)}`],
      ["rmi", `made:${Math.floor(next() * 3)}`],
      ["image", "prune", "-f"],
      ["save", "-o", store.path(`saved-${Math.floor(next() * 3)}.tar`), "keep:1"],
      ["create", "--name", `box-${name}`, "--network", "none", `${name}:1`, "x"],
      ["rm", `box-${name}`],
      ["images"],
    ];
    return kinds[Math.floor(next() * kinds.length)] as string[];
  };

  it("neither wait for each other for ever nor harm each other: what fails was outrun", async () => {
    const next = random(SEED);
    for (let round = 0; round < 3; round++) {
      const all = Array.from({ length: 8 }, () => start(draw(next)));
      const results = await Promise.race([Promise.all(all.map(({ ended }) => ended)), sleep(60_000)]);
      if (results === undefined) for (const { child } of all) child.kill("SIGKILL");
      expect(results, "a command does not end").toBeDefined();
      for (const { args, status, stderr } of results ?? []) {
        if (status !== 0) expect(stderr, args.join(" ")).toMatch(OUTRUN);
      }
      expect(await problems()).toEqual([]);
    }
    expect(exportDigest()).toBe(exported);
  });

  it("and when some of them are killed at any moment, the store is sound and every image intact", async () => {
    const next = random(SEED + 1);
    const end = Date.now() + STRESS_SECONDS * 1000;
    let kills = 0;
    const worker = async (): Promise<void> => {
      while (Date.now() < end) {
        const { child, ended } = start(draw(next));
        const killed = next() < 0.5;
        const timer = killed ? setTimeout(() => child.kill("SIGKILL"), next() * 300) : undefined;
        const { args, status, signal, stderr } = await ended;
        clearTimeout(timer);
        if (signal === "SIGKILL") kills++;
        else if (status !== 0) expect(stderr, args.join(" ")).toMatch(OUTRUN);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    expect(kills).toBeGreaterThan(0);
    expect(await problems(), `after ${kills} kills, seed ${SEED}`).toEqual([]);
    expect(exportDigest()).toBe(exported);
    for (const name of ["a", "b", "c"]) store.run("load", "-q", "-i", archive(name));
    expect(await problems()).toEqual([]);
  });

  it("who waits for long is told whom for", async () => {
    const holder = spawn(GANTRY, ["tag", "keep:1", "keep:2"], {
      stdio: "ignore",
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "", GANTRY_ROOT: store.root, GANTRY_FAULT: "records.rename=stop" },
    });
    await sleep(700);
    // By force: a container of the commands before may stand on it.
    const waiting = start(["rmi", "--force", "a:1"]);
    await sleep(3500);
    holder.kill("SIGCONT");
    const { status, stderr } = await waiting.ended;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(
      /^Waiting for the store's lock, which is held by gantry tag keep:1 keep:2 \(process \d+\)\n$/,
    );
    expect(await problems()).toEqual([]);
  });
});
