import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LogReader } from "../../../src/runtime/json-log.ts";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-log-"));
  file = join(directory, "log");
});
afterEach(() => rmSync(directory, { recursive: true }));

const line = (log: string, stream = "stdout"): string =>
  `${JSON.stringify({ log, stream, time: "2026-01-01T00:00:00.000000000Z" })}\n`;
const read = (reader: LogReader): string[] => [...reader.read()].map((entry) => entry.log);

it("reads entries that are larger than a chunk, and characters that a chunk cuts", () => {
  const texts = ["a\n", `${"ä€𝄞".repeat(40_000)}\n`, "end\n"];
  writeFileSync(file, texts.map((text) => line(text)).join(""));
  const reader = new LogReader(file);
  expect(read(reader)).toEqual(texts);
  reader.close();
});

it("goes on where it stopped, and leaves a line that is being written", () => {
  writeFileSync(file, line("one\n"));
  const reader = new LogReader(file);
  expect(read(reader)).toEqual(["one\n"]);
  const two = line("two\n");
  appendFileSync(file, two.slice(0, 10));
  expect(read(reader)).toEqual([]);
  appendFileSync(file, two.slice(10));
  expect(read(reader)).toEqual(["two\n"]);
  reader.close();
});

it.each([
  [0, []],
  [1, ["4\n"]],
  [3, ["2\n", "3\n", "4\n"]],
  [99, ["0\n", "1\n", "2\n", "3\n", "4\n"]],
])("finds the last %i lines", (count, expected) => {
  writeFileSync(file, Array.from({ length: 5 }, (_, i) => line(`${i}\n`)).join(""));
  const reader = new LogReader(file);
  reader.seekTail(count);
  expect(read(reader)).toEqual(expected);
  reader.close();
});

it("finds the last lines of a log of many chunks", () => {
  writeFileSync(file, Array.from({ length: 20_000 }, (_, i) => line(`line ${i}\n`)).join(""));
  const reader = new LogReader(file);
  reader.seekTail(5000);
  const found = read(reader);
  expect(found).toHaveLength(5000);
  expect(found[0]).toBe("line 15000\n");
  reader.close();
});

it("skips what is no entry", () => {
  writeFileSync(file, `garbage\n{"log":3}\n${line("ok\n", "stderr")}`);
  const reader = new LogReader(file);
  expect([...reader.read()]).toEqual([{ log: "ok\n", stream: "stderr", time: "2026-01-01T00:00:00.000000000Z" }]);
  reader.close();
});
