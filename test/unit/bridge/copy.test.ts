import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connectUnix, copyFileRange, copyFileRangeAsync } from "../../../src/bridge/index.ts";
import { scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("copy");
const content = randomBytes(20_000_003);
const source = join(scratch, "source");
writeFileSync(source, content);
const fdIn = openSync(source, "r");

function withTarget(flags: string, use: (fd: number, path: string) => void): void {
  const path = join(scratch, "target");
  const fd = openSync(path, flags);
  try {
    use(fd, path);
  } finally {
    closeSync(fd);
  }
}

describe("copyFileRange", () => {
  it("copies to an offset and to the descriptor's position", () => {
    withTarget("w", (fdOut, path) => {
      expect(copyFileRange({ fdIn, offsetIn: 5, fdOut, offsetOut: 3, length: 10 })).toBe(10);
      expect(copyFileRange({ fdIn, offsetIn: 0, fdOut, offsetOut: null, length: 3 })).toBe(3);
      expect(readFileSync(path)).toEqual(Buffer.concat([content.subarray(0, 3), content.subarray(5, 15)]));
    });
  });

  it("stops where the source ends and says how far it came", () => {
    withTarget("w", (fdOut) => {
      const range = { fdIn, offsetIn: content.length - 7, fdOut, offsetOut: null, length: 100 };
      expect(copyFileRange(range)).toBe(7);
      expect(copyFileRange({ ...range, offsetIn: content.length })).toBe(0);
      expect(copyFileRange({ ...range, length: 0 })).toBe(0);
    });
  });

  it("copies in append mode, which copy_file_range refuses", () => {
    withTarget("w", () => undefined);
    withTarget("a", (fdOut, path) => {
      expect(copyFileRange({ fdIn, offsetIn: 0, fdOut, offsetOut: null, length: 9_000_000 })).toBe(9_000_000);
      expect(readFileSync(path).equals(content.subarray(0, 9_000_000))).toBe(true);
    });
  });

  it("copies between file systems and out of /proc, where sizes are 0", () => {
    const version = openSync("/proc/version", "r");
    withTarget("w", (fdOut, path) => {
      const copied = copyFileRange({ fdIn: version, offsetIn: 0, fdOut, offsetOut: null, length: 1 << 20 });
      expect(readFileSync(path)).toEqual(readFileSync("/proc/version"));
      expect(copied).toBe(readFileSync("/proc/version").length);
    });
    closeSync(version);
  });

  it("feeds a pipe whose reader is slower, all of it", async () => {
    const child = spawn("sh", ["-c", "sleep 0.1; sha256sum"], { stdio: ["pipe", "pipe", "inherit"] });
    // The parent's end of a child's stdin is a non-blocking socket or pipe.
    const fdOut = (child.stdin as unknown as { _handle: { fd: number } })._handle.fd;
    const copied = await copyFileRangeAsync({ fdIn, offsetIn: 0, fdOut, offsetOut: null, length: content.length });
    child.stdin.end();
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
    expect(copied).toBe(content.length);
    expect(Buffer.concat(chunks).toString()).toContain(createHash("sha256").update(content).digest("hex"));
  });

  it("fills a unix socket and a fifo", async () => {
    const path = join(scratch, "socket");
    const received: Buffer[] = [];
    const server = createServer((socket: Socket) => socket.on("data", (chunk: Buffer) => received.push(chunk)));
    server.listen(path);
    await new Promise((resolve) => server.once("listening", resolve));
    const fdOut = connectUnix(path);
    const copied = await copyFileRangeAsync({ fdIn, offsetIn: 1, fdOut, offsetOut: null, length: 5_000_000 });
    closeSync(fdOut);
    await new Promise((resolve) => server.close(resolve));
    expect(copied).toBe(5_000_000);
    expect(Buffer.concat(received).equals(content.subarray(1, 5_000_001))).toBe(true);
  });

  it("says EPIPE when the reader has gone", async () => {
    const fifo = join(scratch, "fifo-without-reader");
    execFileSync("mkfifo", [fifo]);
    const reader = openSync(fifo, "r+");
    const fdOut = openSync(fifo, "w");
    closeSync(reader);
    const copying = copyFileRangeAsync({ fdIn, offsetIn: 0, fdOut, offsetOut: null, length: content.length });
    await expect(copying).rejects.toMatchObject({ code: "SYSTEM_CALL_FAILED", details: { name: "EPIPE" } });
    closeSync(fdOut);
  });

  it("reports progress in bytes and stops when cancelled", async () => {
    const null_ = openSync("/dev/null", "w");
    const cancel = new AbortController();
    let last = 0;
    const range = { fdIn: openSync("/dev/zero", "r"), offsetIn: 0, fdOut: null_, offsetOut: null, length: 2 ** 50 };
    const onProgress = (done: number): void => {
      if (done <= last) return;
      last = done;
      cancel.abort();
    };
    const copying = copyFileRangeAsync(range, { signal: cancel.signal, onProgress });
    await expect(copying).rejects.toMatchObject({ code: "CANCELLED" });
    expect(last).toBeGreaterThan(0);
    closeSync(null_);
    closeSync(range.fdIn);
  });
});
