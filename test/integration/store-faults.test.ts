import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FAULT_POINTS } from "../../src/store/fault.ts";
import { FaultBench, type Passage } from "../tools/fault-bench.ts";
import { GANTRY, missing } from "../tools/gantry.ts";
import { dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";

const notBuilt = !existsSync(GANTRY);
if (notBuilt) process.stderr.write("skipped: dist/gantry has not been built\n");
const reason = missing({ root: true });

/** Unset: each point in the first two commands that pass it. Set: every passage of every command (minutes). */
const THOROUGH = process.env["GANTRY_TEST_FAULTS"] === "all";

interface Case {
  args: string[];
  /** A file for standard input. */
  input?: string;
  /** What a repetition may say where the command was killed after its work was done. */
  done?: RegExp;
}

const CASES: Record<string, Case> = {
  "load of a file": { args: ["load", "-q", "-i", "ARCHIVE"] },
  tag: { args: ["tag", "base:1", "new:1"] },
  rmi: { args: ["rmi", "other:1"], done: /No such image/ },
  "load from a pipe": { args: ["load", "-q"], input: "ARCHIVE" },
  "image prune": { args: ["image", "prune", "-f"] },
  commit: { args: ["commit", "changed", "made:1"] },
  import: { args: ["import", "TREE", "imported:1"] },
  "image flatten": { args: ["image", "flatten", "-t", "flat:1", "base:1"] },
  create: { args: ["create", "--name", "fresh", "fresh:1", "x"], done: /already in use/ },
  rm: { args: ["rm", "orphan"], done: /No such container/ },
};

/** A step that fails need not fail the command: the second copy of the records, what is only tidied up. */
const FORGIVEN = /^(?:records\.backup|scratch\.remove|leftover\.)/;

describe.skipIf(notBuilt || reason !== undefined)("a command that dies or fails at any step", () => {
  const bench = new FaultBench();
  const passed = new Set<string>();
  const commands = new Set<string>();
  const tries = new Map<string, number>();
  const words = (args: readonly string[]): string[] =>
    args.map((word) => word.replace("ARCHIVE", bench.path("new.tar")).replace("TREE", bench.path("tree.tar")));

  beforeAll(async () => {
    const layer = (name: string): Promise<Buffer> => tarOf([[{ name, mtime: new Date(0) }, name.repeat(3000)]]);
    const [a, b, c, d] = await Promise.all(["a", "b", "c", "d"].map(layer));
    const put = async (file: string, layers: Buffer[], tag: string, zipped = false): Promise<void> => {
      const shown = zipped ? layers.map((bytes) => gzipSync(bytes)) : layers;
      writeFileSync(bench.path(file), await dockerArchive(shown, { tag, diffIds: layers.map(sha256) }));
    };
    writeFileSync(bench.path("tree.tar"), c!);
    await put("base.tar", [a!, b!], "base:1");
    await put("other.tar", [a!, c!], "other:1", true);
    await put("gone.tar", [d!], "gone:1");
    await put("fresh.tar", [b!], "fresh:1");
    await put("dangling.tar", [b!, d!], "dangling:1");
    await put("new.tar", [b!, d!, c!], "new:1");
    const run = (...args: string[]): string => {
      const result = bench.run(bench.template, args);
      if (result.status !== 0) throw new Error(`${args.join(" ")}: ${result.stderr.toString()}`);
      return result.stdout.toString().trim();
    };
    for (const { args } of Object.values(CASES)) {
      const verb = verbOf(args);
      if (bench.run(bench.template, [...verb.split(" "), "--help"]).status === 0) commands.add(verb);
    }
    // The store is made at the first command.
    for (const passage of bench.passages(bench.template, ["images"])) passed.add(pointOf(passage));
    for (const name of ["base", "other", "gone", "fresh", "dangling"])
      run("load", "-q", "-i", bench.path(`${name}.tar`));
    const changed = run("create", "--name", "changed", "base:1", "x");
    writeFileSync(join(bench.template, "containers", changed, "upper", "more"), "more".repeat(999));
    run("create", "--name", "orphan", "gone:1", "x");
    run("rmi", "-f", "gone:1");
    run("tag", "base:1", "dangling:1");
    expect(await bench.problems(bench.template)).toEqual([]);
  });
  afterAll(() => bench.dispose());

  /** Those of the passages that are to be tried, so that each point is tried `often` in all. */
  const chosen = (passages: readonly Passage[], kind: string, often: number): Passage[] => {
    if (THOROUGH) return [...passages];
    return passages.filter((passage) => {
      const key = `${kind} ${pointOf(passage)}`;
      const count = tries.get(key) ?? 0;
      if (!passage.endsWith(":1") || count >= often) return false;
      tries.set(key, count + 1);
      return true;
    });
  };

  for (const [name, { args, input, done }] of Object.entries(CASES)) {
    const stdin = (): string => (input === undefined ? "" : (words([input])[0] as string));

    it(
      `${name}: killed there, it leaves a sound store, and can be repeated`,
      { timeout: 600_000 },
      async ({ skip }) => {
        if (!commands.has(verbOf(args))) skip("there is no such command yet");
        const whole = bench.copy();
        const passages = bench.passages(whole, words(args), stdin());
        const after = bench.content(whole);
        for (const passage of chosen(passages, "kill", 2)) {
          passed.add(pointOf(passage));
          const root = bench.copy();
          expect(bench.run(root, words(args), `${passage}=kill`, stdin()).signal, passage).toBe("SIGKILL");
          expect(await bench.problems(root), `killed at ${passage}`).toEqual([]);
          const again = bench.run(root, words(args), undefined, stdin());
          if (again.status !== 0) expect(again.stderr.toString(), passage).toMatch(done ?? /^no error/);
          expect(bench.content(root), `repeated after ${passage}`).toEqual(after);
        }
      },
    );

    it(`${name}: failing there, it says so, and all or nothing is done`, { timeout: 600_000 }, async ({ skip }) => {
      if (!commands.has(verbOf(args))) skip("there is no such command yet");
      const before = bench.content(bench.template);
      const whole = bench.copy();
      const passages = bench.passages(whole, words(args), stdin());
      const after = bench.content(whole);
      for (const [n, passage] of chosen(passages, `fail ${done === undefined}`, 1).entries()) {
        for (const error of THOROUGH ? ["EIO", "ENOSPC"] : [n % 2 === 0 ? "EIO" : "ENOSPC"]) {
          const root = bench.copy();
          const result = bench.run(root, words(args), `${passage}=${error}`, stdin());
          const says = result.stderr.toString();
          const what = `${error} at ${passage}: ${says}`;
          expect(await bench.problems(root), what).toEqual([]);
          const content = bench.content(root);
          if (result.status === 0) {
            // On a full disk, removals go on with the space that the store keeps in reserve.
            if (!FORGIVEN.test(passage)) expect([what, error]).toEqual([what, "ENOSPC"]);
            expect(withoutBackup(content), what).toEqual(withoutBackup(after));
            continue;
          }
          expect(result.status, what).toBe(args[0] === "create" ? 125 : 1);
          expect(says).toMatch(error === "EIO" ? /EIO/ : /no space left|ENOSPC/);
          expect(says).not.toMatch(/not an error gantry expects/);
          expect([before, after].map(withoutCaches), what).toContainEqual(withoutCaches(content));
        }
      }
    });
  }

  it("every step that has a name was passed by one of these commands", () => {
    // What dead processes leave is cleaned by the next command.
    const root = bench.copy();
    bench.run(root, ["tag", "base:1", "new:1"], "records.rename=kill");
    bench.run(root, ["rmi", "other:1"], "records.settle=kill");
    for (const passage of bench.passages(root, ["images"])) passed.add(pointOf(passage));
    expect(FAULT_POINTS.filter((point) => !passed.has(point))).toEqual([]);
  });
});

/** `image prune` of its words. */
function verbOf(args: readonly string[]): string {
  return args.slice(0, args[0] === "image" ? 2 : 1).join(" ");
}

function pointOf(passage: Passage): string {
  return passage.split(":")[0] as string;
}

const withoutBackup = (lines: string[]): string[] => lines.filter((line) => !line.startsWith("images.json.backup"));
/** Chains are made at will, and the backup may be one change behind. */
const withoutCaches = (lines: string[]): string[] => withoutBackup(lines).filter((line) => !line.startsWith("chains/"));
