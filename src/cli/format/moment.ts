import { GantryError } from "../../errors/index.ts";
import { parseDuration } from "./duration.ts";

const PARTIAL = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?)?)?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * A point in time as Docker's `--since` and `until` filters read it: RFC 3339 in full or in part (local time without a
 * zone), seconds since 1970 with an optional fraction, or a duration back from now.
 * @returns milliseconds since 1970
 * @throws USAGE
 */
export function parseMoment(text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const match = PARTIAL.exec(text);
  if (match !== null) {
    const [, date, hour = "00", minute = "00", second = "00", zone = ""] = match;
    // A date alone is midnight here, not in Greenwich.
    const parsed = Date.parse(`${date}T${hour}:${minute}:${second}${zone}`);
    if (!Number.isNaN(parsed)) return parsed;
  }
  try {
    return nowMs - parseDuration(text);
  } catch (cause) {
    throw new GantryError("USAGE", `failed to parse value as time or duration: ${JSON.stringify(text)}`, {
      remedy: "Write it as 2026-01-02T15:04:05Z, as seconds since 1970, or as a duration such as 10m.",
      cause,
    });
  }
}
