import { GantryError } from "../../../errors/index.ts";
import { parseDuration } from "../../format/duration.ts";

/**
 * A point in time as Docker's `--since` reads it: RFC 3339 in full or in part (local time without a zone), seconds since
 * 1970 with an optional fraction, or a duration back from now.
 * @returns milliseconds since 1970
 * @throws USAGE
 */
export function parseMoment(text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // "Z" and offsets are as they stand; a date alone is midnight here, not in Greenwich.
  const local = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text;
  if (/^\d{4}-\d{2}-\d{2}T/.test(local)) {
    const parsed = Date.parse(/T\d{2}$/.test(local) ? `${local}:00` : local);
    if (!Number.isNaN(parsed)) return parsed;
  }
  try {
    return nowMs - parseDuration(text);
  } catch (cause) {
    throw new GantryError("USAGE", `invalid time ${JSON.stringify(text)}`, {
      remedy: "Write it as 2026-01-02T15:04:05Z, as seconds since 1970, or as a duration such as 10m.",
      cause,
    });
  }
}
