import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkStore } from "../../src/engine/fsck/check-store.ts";
import { SILENT_REPORTER } from "../../src/events/progress.ts";
import { GANTRY } from "./gantry.ts";

/** What was passed, and how often by then: `records.write:2`. */
export type Passage = `${string}:${number}`;

/** Copies of one prepared store, in each of which gantry is made to die or fail at some step. */
export class FaultBench {
  readonly work = mkdtempSync(join(tmpdir(), "gantry-fault-"));
  /** The prepared store, which the test fills and then leaves alone. */
  readonly template = join(this.work, "template");
  #copies = 0;

  path(name: string): string {
    return join(this.work, name);
  }

  /** A copy of the prepared store with its hard links; its root. */
  copy(): string {
    const root = this.path(`store-${this.#copies++}`);
    const copied = spawnSync("cp", ["-a", this.template, root]);
    if (copied.status !== 0) throw new Error(copied.stderr.toString());
    return root;
  }

  /** Runs gantry on a store, with GANTRY_FAULT where `fault` is given. */
  run(root: string, args: readonly string[], fault?: string, input = ""): SpawnSyncReturns<Buffer> {
    return spawnSync(GANTRY, args, {
      input: input === "" ? "" : readFileSync(input),
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: "",
        GANTRY_ROOT: root,
        SOURCE_DATE_EPOCH: "1600000000",
        ...(fault === undefined ? {} : { GANTRY_FAULT: fault }),
      },
    });
  }

  /** The steps that a command passes, in order. */
  passages(root: string, args: readonly string[], input = ""): Passage[] {
    const log = this.path("passages.log");
    rmSync(log, { force: true });
    const result = this.run(root, args, `log=${log}`, input);
    if (result.status !== 0) throw new Error(`${args.join(" ")}: ${result.stderr.toString()}`);
    const counts = new Map<string, number>();
    const names = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
    return names.map((name): Passage => {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return `${name}:${count}`;
    });
  }

  /** What `system fsck --deep` says of a store, as lines; none: it is sound. */
  async problems(root: string): Promise<string[]> {
    const { left } = await checkStore(root, { deep: true }, SILENT_REPORTER);
    return left.map(({ code, object, problem }) => `${code}: ${object} ${problem}`);
  }

  /**
   * The store's content: every file with its hash, every link with its target. Left out is what changes with every look:
   * events, the cache of summaries, times in records, a container's random id.
   */
  content(root: string): string[] {
    const lines: string[] = [];
    const visit = (below: string): void => {
      for (const entry of readdirSync(join(root, below)).sort()) {
        const name = join(below, entry);
        if (/^(?:events|summaries\.json|reserve)\b/.test(name)) continue;
        const stat = lstatSync(join(root, name));
        if (stat.isDirectory()) visit(name);
        else if (stat.isSymbolicLink()) lines.push(`${name} -> ${readlinkSync(join(root, name))}`);
        else lines.push(`${name} ${hash(join(root, name), name)}`);
      }
    };
    visit("");
    const ids = new Map<string, string>();
    for (const id of readdirSync(join(root, "containers"))) ids.set(id, nameOf(root, id));
    return lines
      .map((line) => [...ids].reduce((text, [id, name]) => text.replaceAll(id, `<${name}>`), line))
      .filter((line) => !/container\.json|shim\.lock/.test(line))
      .sort();
  }

  dispose(): void {
    rmSync(this.work, { recursive: true, force: true });
  }
}

function hash(path: string, name: string): string {
  const text = readFileSync(path);
  const stable = name.startsWith("images.json") ? text.toString().replace(/"taggedAt": "[^"]*"/g, "") : text;
  return createHash("sha256").update(stable).digest("hex").slice(0, 16);
}

function nameOf(root: string, id: string): string {
  return (JSON.parse(readFileSync(join(root, "containers", id, "container.json"), "utf8")) as { name: string }).name;
}
