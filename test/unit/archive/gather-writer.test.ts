import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatherWriter } from "../../../src/archive/gather-writer.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-gather-test-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("a stream gathered from pieces", () => {
  it("holds them in order, those larger than its buffer too", async () => {
    const large = Buffer.alloc(3_000_000, "large");
    writeFileSync(join(directory, "source"), large);
    const source = openSync(join(directory, "source"), "r");
    const out = openSync(join(directory, "out"), "w");
    const seen: Buffer[] = [];
    const writer = new GatherWriter(out, { onBytes: (bytes) => seen.push(Buffer.from(bytes)) });
    await writer.append(Buffer.from("head"));
    await writer.appendZeros(1_500_000);
    await writer.appendFileRange(source, 5, 2_500_000);
    await writer.finish();
    closeSync(source);
    closeSync(out);
    const wanted = Buffer.concat([Buffer.from("head"), Buffer.alloc(1_500_000), large.subarray(5, 2_500_005)]);
    expect(readFileSync(join(directory, "out")).equals(wanted)).toBe(true);
    expect(Buffer.concat(seen).equals(wanted)).toBe(true);
    expect(writer.bytesAppended).toBe(wanted.length);
  });

  it.each([100, 2_000_000])("says that a file ends before its range of %i bytes does", async (bytes) => {
    writeFileSync(join(directory, "short"), "short");
    const source = openSync(join(directory, "short"), "r");
    const out = openSync("/dev/null", "w");
    const append = async (): Promise<void> => new GatherWriter(out).appendFileRange(source, 0, bytes);
    await expect(append()).rejects.toMatchObject({ code: "UNEXPECTED_END_OF_FILE", details: { got: 5, bytes } });
    closeSync(source);
    closeSync(out);
  });

  it("says that its reader has gone, or that the device is full, in gantry's terms", async () => {
    const fill = async (fd: number): Promise<void> => {
      const writer = new GatherWriter(fd);
      await writer.appendZeros(4_000_000);
      await writer.finish();
    };
    const full = openSync("/dev/full", "w");
    await expect(fill(full)).rejects.toMatchObject({ code: "NO_SPACE" });
    closeSync(full);
    const fifo = join(directory, "fifo");
    await new Promise((resolve) => spawn("mkfifo", [fifo]).on("exit", resolve));
    const reader = openSync(fifo, "r+");
    const pipe = openSync(fifo, "w");
    closeSync(reader);
    await expect(fill(pipe)).rejects.toMatchObject({ code: "SYSTEM_CALL_FAILED", details: { name: "EPIPE" } });
    closeSync(pipe);
  });
});
