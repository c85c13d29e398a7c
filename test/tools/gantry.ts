import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const PROJECT = resolve(import.meta.dirname, "../..");
/** The program under test. */
export const GANTRY = join(PROJECT, "dist", "gantry");
const FIXTURES = resolve(PROJECT, "../shared/fixtures");

/** A store of its own in a temporary directory, and gantry's command line on it. */
export class TestStore {
  readonly work = mkdtempSync(join(tmpdir(), "gantry-e2e-"));
  readonly root = join(this.work, "store");

  /** Runs gantry and returns what it printed; the caller looks at `status`. */
  try(
    args: readonly string[],
    options: { input?: Buffer | string; env?: Record<string, string> } = {},
  ): SpawnSyncReturns<Buffer> {
    return spawnSync(GANTRY, args, {
      input: options.input ?? "",
      maxBuffer: 1 << 30,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "", GANTRY_ROOT: this.root, ...options.env },
    });
  }

  /** Runs gantry, expects success, returns standard output without the last line end. */
  run(...args: string[]): string {
    const result = this.try(args);
    if (result.status !== 0)
      throw new Error(`gantry ${args.join(" ")}: status ${result.status}\n${result.stderr.toString()}`);
    return result.stdout.toString().replace(/\n$/, "");
  }

  start(args: readonly string[]): ChildProcess {
    return spawn(GANTRY, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "", GANTRY_ROOT: this.root },
    });
  }

  path(name: string): string {
    return join(this.work, name);
  }

  /**
   * Every file under the root with its content's hash: two equal listings are the same bytes on disk. Without events and
   * the cache of summaries, which looking changes.
   */
  listing(): string[] {
    const lines: string[] = [];
    const visit = (directory: string, name: string): void => {
      for (const entry of existsSync(directory) ? readdirSync(directory).sort() : []) {
        const path = join(directory, entry);
        const stat = lstatSync(path);
        if (stat.isDirectory()) visit(path, `${name}${entry}/`);
        else
          lines.push(
            `${name}${entry} ${stat.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "special"}`,
          );
      }
    };
    visit(this.root, "");
    return lines.filter((line) => !/^(?:events\/|summaries\.json)/.test(line));
  }

  /** Removes every container by force, then the store. */
  dispose(): void {
    const ids = this.try(["ps", "-aq", "--no-trunc"]).stdout.toString().split("\n").filter(Boolean);
    if (ids.length > 0) this.try(["rm", "-f", ...ids]);
    rmSync(this.work, { recursive: true, force: true });
  }
}

/** The path of a shared fixture, or undefined where the shared directory is not there. */
export function fixture(name: string): string | undefined {
  const path = join(FIXTURES, name);
  return existsSync(path) ? path : undefined;
}

/** Why tests cannot run here, or undefined: `describe.skipIf(reason)`; prints the reason once. */
export function missing(what: {
  root?: boolean;
  tools?: readonly string[];
  fixtures?: readonly string[];
}): string | undefined {
  const reasons: string[] = [];
  if (what.root === true && process.getuid?.() !== 0) reasons.push("not root");
  for (const tool of what.tools ?? []) {
    if (spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0) reasons.push(`${tool} is not installed`);
  }
  for (const name of what.fixtures ?? [])
    if (fixture(name) === undefined) reasons.push(`shared fixture ${name} is not here`);
  if (reasons.length === 0) return undefined;
  process.stderr.write(`skipped: ${reasons.join(", ")}\n`);
  return reasons.join(", ");
}

/** The tree in a tar (bytes or path) or under a directory, as test/tools/tree.py prints it. */
export function treeOf(kind: "tar" | "dir", source: Buffer | string, ...options: string[]): string[] {
  const script = join(PROJECT, "test/tools/tree.py");
  const args = typeof source === "string" ? [script, kind, source, ...options] : [script, kind, ...options];
  const result = spawnSync("python3", args, { input: typeof source === "string" ? "" : source, maxBuffer: 1 << 30 });
  if (result.status !== 0) throw new Error(`tree.py: ${result.stderr.toString()}`);
  return result.stdout.toString().trimEnd().split("\n");
}
