import { describe, expect, it } from "vitest";
import { binarySize, humanSize, parseByteSize } from "../../../src/cli/format/byte-size.ts";
import { humanDuration, parseDuration } from "../../../src/cli/format/duration.ts";
import { unixMs } from "../../../src/cli/format/go-time.ts";

describe("humanSize", () => {
  it.each([
    [0, "0B"],
    [999, "999B"],
    [1000, "1kB"],
    [4_261_574, "4.26MB"],
    [1_240_000_000, "1.24GB"],
    [77_900_000, "77.9MB"],
    [123_456_789, "123MB"],
    [999_499, "999kB"],
    // docker says 1e+03kB
    [999_900, "1MB"],
    [5e15, "5PB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(humanSize(bytes)).toBe(text);
  });

  it("has four digits where asked for", () => {
    expect(humanSize(4_261_574, 4)).toBe("4.262MB");
  });
});

it("binarySize scales by 1024", () => {
  expect([0, 1023, 1024, 536_870_912, 2_041_000_000].map((n) => binarySize(n))).toEqual([
    "0B",
    "1023B",
    "1KiB",
    "512MiB",
    "1.901GiB",
  ]);
});

describe("parseByteSize", () => {
  it.each([
    ["0", 0],
    ["512", 512],
    ["32b", 32],
    ["1k", 1024],
    ["1KB", 1024],
    ["1KiB", 1024],
    ["1.5M", 1_572_864],
    ["0.5 g", 536_870_912],
    ["2t", 2 * 1024 ** 4],
  ])("%s", (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(["", "m", "-1", "1 2", "1kk", "1.2.3m", "0x10", "99999999p"])("refuses %j", (text) => {
    expect(() => parseByteSize(text)).toThrow(/invalid size/);
  });
});

describe("humanDuration", () => {
  const SECOND = 1000;
  const HOUR = 3600 * SECOND;
  const DAY = 24 * HOUR;
  it.each([
    [0, "Less than a second"],
    [SECOND, "1 second"],
    [59 * SECOND, "59 seconds"],
    [60 * SECOND, "About a minute"],
    [119 * SECOND, "About a minute"],
    [120 * SECOND, "2 minutes"],
    [59 * 60 * SECOND, "59 minutes"],
    [60 * 60 * SECOND, "About an hour"],
    [89 * 60 * SECOND, "About an hour"],
    [90 * 60 * SECOND, "2 hours"],
    [47 * HOUR, "47 hours"],
    [2 * DAY, "2 days"],
    [13 * DAY, "13 days"],
    [14 * DAY, "2 weeks"],
    [20 * DAY, "2 weeks"],
    [59 * DAY, "8 weeks"],
    [60 * DAY, "2 months"],
    [400 * DAY, "13 months"],
    [730 * DAY, "2 years"],
    [56.9 * 365 * DAY, "56 years"],
  ])("%d ms are %s", (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });
});

it("parseDuration reads Go's durations", () => {
  expect(["0", "300ms", "1.5h", "2h45m", "-1s", "1m30s", "5us"].map(parseDuration)).toEqual([
    0, 300, 5_400_000, 9_900_000, -1000, 90_000, 0.005,
  ]);
  for (const wrong of ["", "5", "1x", "s", "1h 2m"]) expect(() => parseDuration(wrong)).toThrow(/invalid duration/);
});

it("Go's zero time is no time", () => {
  expect(unixMs("0001-01-01T00:00:00Z")).toBeUndefined();
  expect(unixMs("1970-01-01T00:00:00Z")).toBe(0);
  expect(unixMs("yesterday")).toBeUndefined();
});
