import { describe, expect, it } from "vitest";
import { chosenTimestamp, parseTimestamp, timestampOf } from "../../../src/image/timestamp.ts";

const refused = expect.objectContaining({ code: "TIMESTAMP_INVALID" }) as Error;

describe("a timestamp", () => {
  it.each<[string, string, number, number]>([
    ["0", "1970-01-01T00:00:00Z", 0, 0],
    ["1700000000", "2023-11-14T22:13:20Z", 1_700_000_000, 0],
    ["-1", "1969-12-31T23:59:59Z", -1, 0],
    ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z", 1_700_000_000, 0],
    ["2023-11-15T00:13:20+02:00", "2023-11-14T22:13:20Z", 1_700_000_000, 0],
    ["2023-11-14t22:13:20.120z", "2023-11-14T22:13:20.12Z", 1_700_000_000, 120_000_000],
    ["1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z", -1, 999_999_999],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", -62_135_596_800, 0],
    ["2024-02-29T12:00:00-00:30", "2024-02-29T12:30:00Z", 1_709_209_800, 0],
  ])("%s is %s", (given, text, seconds, nanoseconds) => {
    expect(parseTimestamp(given)).toEqual({ text, seconds, nanoseconds });
    expect(parseTimestamp(text)).toEqual({ text, seconds, nanoseconds });
  });

  it.each([
    "",
    "now",
    "1.5",
    "2023-11-14",
    "2023-11-14T22:13:20",
    "2023-02-29T00:00:00Z",
    "2023-13-01T00:00:00Z",
    "2023-11-14T24:13:20Z",
    "2023-11-14T22:13:20+24:00",
    "253402300800",
    "99999999999999999999",
    "0000-12-31T23:59:59Z",
  ])("is not %j", (text) => {
    expect(() => parseTimestamp(text)).toThrow(refused);
  });

  it("of the clock has its milliseconds, also before 1970", () => {
    expect(timestampOf(1_700_000_000_120)).toEqual({
      text: "2023-11-14T22:13:20.12Z",
      seconds: 1_700_000_000,
      nanoseconds: 120_000_000,
    });
    expect(timestampOf(-1)).toMatchObject({ seconds: -1, nanoseconds: 999_000_000 });
  });
});

describe("the timestamp of an image", () => {
  const asked = parseTimestamp("5");

  it("is the one asked for, else SOURCE_DATE_EPOCH, else left to the clock", () => {
    expect(chosenTimestamp(asked, "7")).toBe(asked);
    expect(chosenTimestamp(asked, "nonsense")).toBe(asked);
    expect(chosenTimestamp(undefined, "7")?.seconds).toBe(7);
    expect(chosenTimestamp(undefined, "")).toBeUndefined();
    expect(chosenTimestamp(undefined, undefined)).toBeUndefined();
  });

  it.each(["-1", "1.5", "2023-11-14T22:13:20Z", " 7", "9999999999999"])("refuses SOURCE_DATE_EPOCH=%j", (text) => {
    expect(() => chosenTimestamp(undefined, text)).toThrow(refused);
  });
});
