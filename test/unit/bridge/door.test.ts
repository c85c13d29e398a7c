import { Worker } from "node:worker_threads";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { artifact } from "../../../src/artifacts/locate.ts";
import {
  connectUnix,
  copyFileRange,
  copyFileRangeAsync,
  errnoName,
  extractTree,
  getXattr,
  openIn,
  syncFileSystem,
  tryLockFile,
  walkTree,
  walkTreeAsync,
} from "../../../src/bridge/index.ts";
import { call, request } from "../../../src/bridge/native.ts";
import type { Operation } from "../../../src/bridge/operation.ts";
import { systemError } from "../../../src/bridge/system-error.ts";
import { isGantryError } from "../../../src/errors/index.ts";
import { scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("door");
const any = (value: unknown): never => value as never;

describe("arguments", () => {
  it("refuses a NUL in a path instead of cutting the path there", () => {
    writeFileSync(join(scratch, "a"), "");
    for (const path of [`${scratch}/a\0/b`, Buffer.from(`${scratch}/a\0`)]) {
      expect(() => tryLockFile(path)).toThrow(expect.objectContaining({ code: "PATH_INVALID" }));
      expect(() => openIn(scratch, path, 0)).toThrow(/NUL/);
    }
    expect(() => getXattr(scratch, "user.a\0b")).toThrow(expect.objectContaining({ code: "PATH_INVALID" }));
  });

  it("refuses half a surrogate pair, which UTF-8 cannot hold", () => {
    expect(() => walkTree("/tmp/\ud800")).toThrow(expect.objectContaining({ code: "PATH_INVALID" }));
  });

  it("refuses wrong types as a bug of the caller, where ffi-rs would abort the process", async () => {
    const wrong = expect.objectContaining({ code: "INTERNAL" }) as Error;
    const range = { fdIn: 0, offsetIn: 0, fdOut: 1, offsetOut: null, length: 0 };
    for (const value of [undefined, null, 7, {}, [], new Uint16Array(2)]) {
      expect(() => walkTree(any(value))).toThrow(wrong);
      expect(() => connectUnix(any(value))).toThrow(wrong);
    }
    for (const value of [-1, 1.5, NaN, 2 ** 31, "3", 3n, null, undefined]) {
      expect(() => copyFileRange({ ...range, fdIn: any(value) })).toThrow(wrong);
    }
    for (const value of [-1, 0.5, Infinity, 2 ** 53, "3", 3n]) {
      expect(() => copyFileRange({ ...range, length: any(value) })).toThrow(wrong);
    }
    await expect(extractTree(any("index"), [], join(scratch, "t"))).rejects.toThrow(wrong);
    await expect(extractTree(any(new Uint16Array(8)), [], join(scratch, "t"))).rejects.toThrow(wrong);
    await expect(extractTree(new Uint8Array(8), any("tar"), join(scratch, "t"))).rejects.toThrow(wrong);
    await expect(syncFileSystem(any("1"))).rejects.toThrow(wrong);
  });

  it("takes names that are no UTF-8 as bytes", () => {
    const name = Buffer.concat([Buffer.from(`${scratch}/`), Buffer.from([0xff, 0xfe])]);
    const lock = tryLockFile(name);
    expect(readFileSync(name)).toHaveLength(0);
    lock?.release();
  });

  it("answers a descriptor that is not open with EBADF", () => {
    const range = { fdIn: 9999, offsetIn: 0, fdOut: 1, offsetOut: null, length: 1 };
    expect(() => copyFileRange(range)).toThrow(/EBADF/);
  });

  it("answers an unknown operation, and a request that is too short, with an error", () => {
    expect(() => call(999 as Operation, request())).toThrow(/ENOSYS/);
    expect(() => call(20, request().u32("", 1_000_000))).toThrow(/malformed/);
  });
});

describe("errors", () => {
  it("carry step, errno, name and path", () => {
    const path = join(scratch, "missing", "file");
    const error = (() => {
      try {
        return walkTree(path);
      } catch (caught) {
        return caught;
      }
    })();
    expect(isGantryError(error, "SYSTEM_CALL_FAILED")).toBe(true);
    expect(error).toMatchObject({ kind: "system", details: { step: "open", errno: 2, name: "ENOENT", path } });
    expect((error as Error).message).toBe(`open "${path}": no such file or directory (ENOENT)`);
  });

  it("tell space and permission apart from the rest, with a way out", () => {
    const failure = { step: "write", path: Buffer.from("/x"), reason: "Some reason" };
    for (const errno of [28, 122]) {
      const error = systemError({ ...failure, errno });
      expect(error).toMatchObject({ code: "NO_SPACE", kind: "resource" });
      expect(error.remedy).toMatch(/^Free space/);
    }
    for (const errno of [1, 13]) expect(systemError({ ...failure, errno })).toMatchObject({ code: "PERMISSION" });
    expect(systemError({ ...failure, errno: 125 })).toMatchObject({ code: "CANCELLED" });
    expect(systemError({ ...failure, errno: 117 })).toMatchObject({ code: "LAYER_INDEX_INVALID" });
    expect(systemError({ ...failure, errno: 5 })).toMatchObject({ code: "SYSTEM_CALL_FAILED" });
  });

  it("name error numbers that node does not know", () => {
    expect([28, 15, 117, 4095].map(errnoName)).toEqual(["ENOSPC", "ENOTBLK", "EUCLEAN", "errno 4095"]);
  });

  it("keep a path longer than PATH_MAX within the reply", () => {
    expect(() => openIn("/", "a/".repeat(5000), 0)).toThrow(/ENAMETOOLONG/);
  });
});

describe("memory", () => {
  it("keeps the buffers of calls in flight alive under garbage collection", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const source = join(scratch, "source");
    writeFileSync(source, Buffer.alloc(1 << 20, 7));
    const input = openSync(source, "r");
    const output = openSync(join(scratch, "target"), "w");
    const running: Promise<unknown>[] = [];
    for (let i = 0; i < 200; i++) {
      running.push(
        copyFileRangeAsync({ fdIn: input, offsetIn: 0, fdOut: output, offsetOut: i * 512, length: 1 << 20 }),
      );
      running.push(walkTreeAsync(scratch));
      // An index that is refused, in memory that nothing else refers to.
      running.push(extractTree(new Uint8Array(100_000).fill(i), [], join(scratch, `t${i}`)).catch(() => undefined));
      if (i % 10 === 0) gc();
    }
    gc();
    const results = await Promise.all(running);
    expect(results.filter((_, i) => i % 3 === 0)).toEqual(Array<number>(200).fill(1 << 20));
    closeSync(input);
    closeSync(output);
  }, 60_000);

  it("recognises worker threads, where loading would take the process down", async () => {
    const script = `
      const { parentPort } = require("node:worker_threads");
      parentPort.postMessage("disabled" in process.chdir);`;
    const worker = new Worker(script, { eval: true });
    const marked = await new Promise((resolve) => worker.once("message", resolve));
    expect(marked).toBe(true);
    const { chdir } = process as unknown as { chdir: object };
    expect("disabled" in chdir).toBe(false);
  });

  it("loads nothing before the first call and little then", () => {
    const script = `
      const start = process.cpuUsage();
      const module = { exports: {} };
      process.dlopen(module, ${JSON.stringify(artifact("native/ffi-rs.node"))});
      module.exports.open({ library: "g", path: ${JSON.stringify(artifact("native/libgantry_bridge.so"))} });
      const { user, system } = process.cpuUsage(start);
      console.log(user + system);`;
    const costs = [1, 2, 3, 4, 5].map(() => Number(spawnSync(process.execPath, ["-e", script]).stdout.toString()));
    // 1.5 ms on an idle machine; the bound only catches a wrong entry point or a huge library.
    expect(Math.min(...costs)).toBeLessThan(6_000);
  });
});
