import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isLocked, lockFile, tryLockFile } from "../../../src/bridge/index.ts";
import { scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("lock");

describe("file locks", () => {
  it("are exclusive, also within one process, until released", () => {
    const path = join(scratch, "a");
    const lock = tryLockFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(tryLockFile(path)).toBeUndefined();
    expect(tryLockFile(path, "shared")).toBeUndefined();
    expect(isLocked(path)).toBe(true);
    lock?.release();
    lock?.release();
    expect(isLocked(path)).toBe(false);
  });

  it("let readers share", () => {
    const path = join(scratch, "b");
    const [one, two] = [tryLockFile(path, "shared"), tryLockFile(path, "shared")];
    expect(one && two).toBeDefined();
    expect(tryLockFile(path)).toBeUndefined();
    one?.release();
    two?.release();
    const alone = tryLockFile(path);
    expect(alone).toBeDefined();
    alone?.release();
  });

  it("are not lost to somebody who keeps asking", async () => {
    const path = join(scratch, "asked");
    tryLockFile(path)?.release();
    const asking = ["while :; do flock -s -n", path, "true; done"].join(" ");
    const children = [1, 2].map(() => spawn("sh", ["-c", `exec 2>&-; ${asking}`], { detached: true, stdio: "ignore" }));
    await sleep(50);
    let lost = 0;
    for (let i = 0; i < 50; i++) {
      const lock = await lockFile(path, { timeoutMs: 2000 });
      if (!isLocked(path)) lost++;
      lock.release();
      await sleep(1);
    }
    for (const child of children) process.kill(-child.pid!);
    expect(lost).toBe(0);
  });

  it("can be held on directories", () => {
    const path = join(scratch, "d");
    mkdirSync(path);
    const lock = tryLockFile(path);
    expect(isLocked(path)).toBe(true);
    lock?.release();
  });

  it("of a missing file are not held, and asking makes none", () => {
    expect(isLocked(join(scratch, "none"))).toBe(false);
    expect(existsSync(join(scratch, "none"))).toBe(false);
  });

  it("are made anew when the holder removed the file", () => {
    const path = join(scratch, "removed");
    const first = tryLockFile(path);
    rmSync(path);
    const second = tryLockFile(path);
    expect(second).toBeDefined();
    expect(existsSync(path)).toBe(true);
    first?.release();
    expect(isLocked(path)).toBe(true);
    second?.release();
  });

  it("are waited for without blocking the event loop", async () => {
    const path = join(scratch, "waited");
    const first = tryLockFile(path);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    setTimeout(() => first?.release(), 60);
    const lock = await lockFile(path);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
    lock.release();
  });

  it("are given up after the time allowed, or when cancelled", async () => {
    const path = join(scratch, "timeout");
    const held = tryLockFile(path);
    await expect(lockFile(path, { timeoutMs: 30 })).rejects.toMatchObject({ code: "LOCK_TIMEOUT" });
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 20);
    await expect(lockFile(path, { signal: cancel.signal })).rejects.toMatchObject({ code: "CANCELLED" });
    held?.release();
  });

  it("vanish with a process that is killed", async () => {
    const path = join(scratch, "killed");
    // util-linux's flock holds the lock while cat waits.
    const child = spawn("flock", [path, "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "ignore"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(isLocked(path)).toBe(true);
    child.stdin.end();
    const lock = await lockFile(path, { timeoutMs: 5000 });
    lock.release();
  });
});
