import { GantryError } from "../errors/index.ts";

/** A moment as image configs and tar headers write it. */
export interface Timestamp {
  /** Since 1970; negative before. */
  seconds: number;
  /** 0..999,999,999 */
  nanoseconds: number;
  /** RFC 3339, UTC, without zeros at the end of the fraction: as Go writes times, and so as Docker does. */
  text: string;
}

/** What JSON readers written in Go accept: the years 0001 to 9999. */
const MIN_SECONDS = Date.parse("0001-01-01T00:00:00Z") / 1000;
const MAX_SECONDS = Date.parse("9999-12-31T23:59:59Z") / 1000;
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * Reads `--timestamp`: seconds since 1970, in whole, or RFC 3339 with up to nine digits after the point.
 * @throws TIMESTAMP_INVALID
 */
export function parseTimestamp(text: string): Timestamp {
  if (/^[+-]?\d+$/.test(text)) return timestampAt(text, Number(text), 0);
  const parts = RFC_3339.exec(text);
  if (parts === null) throw invalid(text, "it is neither a number of seconds nor RFC 3339");
  const [, , , day, , , , fraction = "", sign = "+", hours = "00", minutes = "00"] = parts;
  const wall = Date.parse(`${parts.slice(1, 4).join("-")}T${parts.slice(4, 7).join(":")}Z`);
  // Date.parse takes 30 February for 1 March.
  const exists = !Number.isNaN(wall) && new Date(wall).getUTCDate() === Number(day);
  if (!exists || Number(hours) > 23 || Number(minutes) > 59) throw invalid(text, "there is no such moment");
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 * (sign === "-" ? -1 : 1);
  return timestampAt(text, wall / 1000 - offset, Number(fraction.padEnd(9, "0")));
}

/**
 * The moment that an image made now is to bear: the one asked for with `--timestamp`, else SOURCE_DATE_EPOCH (the
 * reproducible-builds specification of that name: seconds since 1970, digits only; empty is as good as unset), else
 * undefined: the clock's.
 * @throws TIMESTAMP_INVALID
 */
export function chosenTimestamp(
  asked: Timestamp | undefined,
  sourceDateEpoch: string | undefined,
): Timestamp | undefined {
  if (asked !== undefined || sourceDateEpoch === undefined || sourceDateEpoch === "") return asked;
  if (!/^\d+$/.test(sourceDateEpoch)) {
    throw new GantryError(
      "TIMESTAMP_INVALID",
      `SOURCE_DATE_EPOCH is ${JSON.stringify(sourceDateEpoch)}: it is not a number of seconds since 1970`,
      { remedy: "Set it to the output of date +%s, or unset it.", details: { value: sourceDateEpoch } },
    );
  }
  return timestampAt(sourceDateEpoch, Number(sourceDateEpoch), 0);
}

/** Milliseconds since 1970, as the clock gives them. */
export function timestampOf(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return timestampAt(String(milliseconds), seconds, Math.round((milliseconds - seconds * 1000) * 1e6));
}

function timestampAt(given: string, seconds: number, nanoseconds: number): Timestamp {
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) throw invalid(given, "it is not within the years 1 to 9999");
  const fraction = nanoseconds === 0 ? "" : `.${String(nanoseconds).padStart(9, "0").replace(/0+$/, "")}`;
  return { seconds, nanoseconds, text: `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z` };
}

function invalid(text: string, why: string): GantryError {
  return new GantryError("TIMESTAMP_INVALID", `invalid timestamp ${JSON.stringify(text)}: ${why}`, {
    remedy: 'Write it like 1700000000 or "2023-11-14T22:13:20Z".',
    details: { value: text },
  });
}
