import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnDetached } from "../../../src/bridge/index.ts";
import { scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("spawn");
const ENV = ["PATH=/usr/bin:/bin"];
const run = (script: string, options = {}): ReturnType<typeof spawnDetached> =>
  spawnDetached("/bin/sh", ["sh", "-c", script], ENV, options);

async function readAll(fd: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of new Socket({ fd })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const statOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");

describe("spawnDetached", () => {
  it("starts a session leader that is not our child, with the ready pipe at 3", async () => {
    const { pid, readyFd } = run("echo ready >&3; exec 3>&-; exec sleep 60");
    expect(await readAll(readyFd)).toBe("ready\n");
    const [, parent, group, session] = statOf(pid);
    process.kill(pid);
    expect(parent).not.toBe(String(process.pid));
    expect([group, session]).toEqual([String(pid), String(pid)]);
  });

  it("gives the program no descriptor but its own", async () => {
    const leak = openSync("/dev/null", "r");
    const script =
      "for n in /proc/$$/fd/*; do printf '%s ' ${n##*/}; done >&3; readlink /proc/$$/fd/0 /proc/$$/cwd >&3";
    const { readyFd, attachFd } = run(script, { attach: true });
    const [fds, stdin, cwd] = (await readAll(readyFd)).replace(/ (?=\/)/, "\n").split("\n");
    expect(fds!.split(" ").filter((fd) => Number(fd) <= 4)).toEqual(["0", "1", "2", "3", "4"]);
    expect(fds!.split(" ")).not.toContain(String(leak));
    expect([stdin, cwd]).toEqual(["/dev/null", "/"]);
    closeSync(attachFd!);
    closeSync(leak);
  });

  it("connects descriptor 4 in both directions", async () => {
    const { readyFd, attachFd } = run("head -c 4 <&4 | tr a-z A-Z >&4", { attach: true });
    const socket = new Socket({ fd: attachFd! });
    socket.write("ping");
    const [answer] = (await new Promise<Buffer[]>((resolve) =>
      socket.once("data", (data: Buffer) => resolve([data])),
    )) as [Buffer];
    expect(answer.toString()).toBe("PING");
    socket.destroy();
    closeSync(readyFd);
  });

  it("gives stderr to whom it is told", async () => {
    const path = join(scratch, "stderr");
    writeFileSync(path, "");
    const stderrFd = openSync(path, "a");
    const { readyFd } = run("echo oops >&2; echo lost", { stderrFd });
    closeSync(stderrFd);
    await readAll(readyFd);
    expect(readFileSync(path, "utf8")).toBe("oops\n");
  });

  it("passes arguments and environment as they are", async () => {
    const argv = ["sh", "-c", 'printf "%s|" "$@" "$A" >&3', "name", "", "two words", "é"];
    const { readyFd } = spawnDetached("/bin/sh", argv, [...ENV, "A=x=y"]);
    expect(await readAll(readyFd)).toBe("|two words|é|x=y|");
  });

  it("leaves signals at their defaults, though node ignores SIGPIPE", async () => {
    const { readyFd } = run("grep -E 'SigBlk|SigIgn' /proc/self/status >&3");
    const lines = (await readAll(readyFd)).trim().split("\n");
    expect(lines.map((line) => BigInt(`0x${line.split(/\s+/)[1]!}`))).toEqual([0n, 0n]);
  });

  it("says at once that a program cannot be executed, and leaks nothing", () => {
    const before = readdirSync("/proc/self/fd").length;
    const details = { step: "execve", name: "ENOENT", path: "/no/such/shim" };
    expect(() => spawnDetached("/no/such/shim", [], [], { attach: true })).toThrow(
      expect.objectContaining({ details: expect.objectContaining(details) as object }) as Error,
    );
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  it("leaves no zombie of ours, however many were started", async () => {
    const started = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { pid, readyFd } = run("exit 3");
        await readAll(readyFd);
        return pid;
      }),
    );
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ");
    for (const pid of started) {
      expect(children).not.toContain(String(pid));
      if (existsSync(`/proc/${pid}/stat`)) expect(statOf(pid)[1]).not.toBe(String(process.pid));
    }
  });

  it("works while node is busy with threads and children of its own", async () => {
    const { execFile } = await import("node:child_process");
    const { promisify } = await import("node:util");
    const children = Array.from({ length: 10 }, () => promisify(execFile)("/bin/echo", ["own"]));
    const detached = Array.from({ length: 10 }, () => readAll(run("echo detached >&3").readyFd));
    expect((await Promise.all(children)).every(({ stdout }) => stdout === "own\n")).toBe(true);
    expect(new Set(await Promise.all(detached))).toEqual(new Set(["detached\n"]));
  });
});
