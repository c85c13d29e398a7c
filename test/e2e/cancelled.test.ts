import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GANTRY, missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

const MEGABYTE = 1 << 20;
const reason = missing({ root: true, tools: ["mkfifo", "gzip"] });
/** On a quiet machine it is a tenth of this. */
const AT_ONCE_MS = 2000;

/** What a command waits for for ever: its input, which gives nothing, its output, which nobody reads, or a named pipe. */
type Waits = "input" | "output" | "pipe";

const COMMANDS: [waits: Waits, ...args: string[]][] = [
  ["input", "load"],
  ["input", "load", "--dry-run"],
  ["input", "import", "-"],
  ["input", "cp", "-", "box:/"],
  ["pipe", "load", "-i", "PIPE"],
  ["pipe", "import", "PIPE"],
  ["pipe", "image", "ls-files", "archive:PIPE"],
  ["pipe", "image", "diff", "noise:1", "archive:PIPE"],
  ["pipe", "image", "cat", "archive:PIPE", "/data"],
  ["pipe", "image", "du", "archive:PIPE"],
  ["pipe", "image", "analyze", "archive:PIPE"],
  ["pipe", "save", "-o", "PIPE", "noise:1"],
  ["pipe", "export", "-o", "PIPE", "box"],
  ["output", "save", "noise:1"],
  ["output", "save", "--compress", "gzip", "noise:1"],
  ["output", "export", "box"],
  ["output", "cp", "box:/data", "-"],
  ["output", "image", "cat", "noise:1", "/data"],
  ["output", "image", "cat", "archive:ZIPPED", "/data"],
  ["output", "image", "ls-files", "many:1"],
  ["output", "image", "diff", "--format", "json", "noise:1", "many:1"],
  ["output", "events", "--since", "1h", "--format", "LONG"],
];

const CASES = COMMANDS.map(([waits, ...args]) => [waits, args.join(" "), args] as const);

/** Bytes that no compressor makes fewer, the same in every run. */
function noise(bytes: number): Buffer {
  const parts = Array.from({ length: bytes / 32 }, (_, n) => createHash("sha256").update(`noise ${n}`).digest());
  return Buffer.concat(parts);
}

describe.skipIf(reason)("a command that waits for ever", () => {
  const store = new TestStore();
  const pipe = store.path("pipe");
  const zipped = store.path("noise.tar.gz");
  let sound: string[] = [];

  beforeAll(async () => {
    const data = await tarOf([[{ name: "data" }, noise(2 * MEGABYTE)]]);
    const many = await tarOf(
      Array.from({ length: 3000 }, (_, n) => [{ name: `a-rather-long-name-of-a-file-${n}` }, ""] as const).map((e) => [
        ...e,
      ]),
    );
    for (const [name, layer] of Object.entries({ noise: data, many })) {
      writeFileSync(store.path(`${name}.tar`), await dockerArchive([layer], { tag: `${name}:1` }));
      store.run("load", "-i", store.path(`${name}.tar`));
    }
    spawnSync("gzip", ["-k", store.path("noise.tar")]);
    store.run("create", "--name", "box", "--network", "none", "noise:1", "x");
    spawnSync("mkfifo", [pipe]);
    // What a first copy makes of a container's directory, it makes once.
    store.try(["cp", "-", "box:/"], { input: data });
    sound = left();
  });
  afterAll(() => store.dispose());

  /** All that lies about, but what commands only remember to be quicker. */
  function left(): string[] {
    return [...readdirSync(store.work), ...readdirSync(join(store.root, "tmp")), ...store.listing()].filter(
      (line) => !line.startsWith("chains/"),
    );
  }

  describe("ends at once by a signal, and leaves nothing", () => {
    it.each(CASES)("waiting for its %s: %s", { timeout: 60_000 }, async (waits, _, args) => {
      const signal = args.length % 2 === 0 ? "SIGINT" : "SIGTERM";
      const words = args.map((word) =>
        word
          .replace("PIPE", pipe)
          .replace("ZIPPED", zipped)
          .replace("LONG", `{{.Action}}${"-".repeat(70_000)}`),
      );
      // Both ends of the pipe are open, and nobody reads or writes.
      const held = openSync(pipe, constants.O_RDWR);
      const child = spawn(GANTRY, words, {
        stdio: [waits === "input" ? held : "ignore", waits === "output" ? held : "ignore", "pipe"],
        env: { ...process.env, NODE_EXTRA_CA_CERTS: "", GANTRY_ROOT: store.root },
      });
      let told = "";
      child.stderr?.on("data", (text: Buffer) => (told += text.toString()));
      const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
      await waiting(child.pid as number);
      expect({ told, status: child.exitCode }).toEqual({ told: "", status: null });
      const sentMs = performance.now();
      child.kill(signal);
      const late = sleep(AT_ONCE_MS, "late" as const);
      const end = await Promise.race([ended, late]);
      if (end === "late") child.kill("SIGKILL");
      const [status, killedBy] = await ended;
      closeSync(held);
      expect(performance.now() - sentMs).toBeLessThan(AT_ONCE_MS);
      expect([status ?? killedBy]).toEqual([status === null ? signal : signal === "SIGINT" ? 130 : 143]);
      expect(["", "gantry: cancelled\n"]).toContain(told);
      expect(left()).toEqual(sound);
    });
  });

  it("and the store is sound afterwards", () => {
    expect(store.try(["system", "fsck"]).status).toBe(0);
    if (existsSync(pipe)) rmSync(pipe);
  });

  /** Until the process has done nothing for a while: its processor time stands still. */
  async function waiting(pid: number): Promise<void> {
    let before = -1;
    for (let still = 0; still < 3;) {
      await sleep(100);
      const now = ticksOf(pid);
      if (Number.isNaN(now)) return;
      still = now === before && now > 0 ? still + 1 : 0;
      before = now;
    }
  }
});

function ticksOf(pid: number): number {
  const stat = spawnSync("cat", [`/proc/${pid}/stat`]).stdout.toString();
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
