/** Seconds since 1970 of an RFC 3339 time; undefined for none and for Go's zero time (year 1). */
export function unixMs(time: string | undefined): number | undefined {
  if (time === undefined || time.startsWith("0001-01-01T00:00:00")) return undefined;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A time of whole seconds as Go's `Time.String` prints it in the machine's zone: `2024-09-26 21:31:42 +0000 UTC`. */
export function goTimeText(ms: number | undefined): string {
  if (ms === undefined) return "0001-01-01 00:00:00 +0000 UTC";
  const date = new Date(ms);
  return `${localDate(date, " ")} ${offsetText(date).replace(":", "")} ${zoneName(date)}`;
}

/** A time of whole seconds in RFC 3339 in the machine's zone: `2024-09-26T21:31:42Z`. */
export function localRfc3339(ms: number | undefined): string {
  if (ms === undefined) return "0001-01-01T00:00:00Z";
  const date = new Date(ms);
  return localDate(date, "T") + (date.getTimezoneOffset() === 0 ? "Z" : offsetText(date));
}

/** A time in nanoseconds since 1970 in RFC 3339 with all nine digits, in the machine's zone. */
export function localRfc3339Nano(nanoseconds: bigint): string {
  const second = localRfc3339(Number(nanoseconds / 1_000_000_000n) * 1000);
  const fraction = String(nanoseconds % 1_000_000_000n).padStart(9, "0");
  return `${second.slice(0, 19)}.${fraction}${second.slice(19)}`;
}

function localDate(date: Date, separator: string): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}${separator}${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function offsetText(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function zoneName(date: Date): string {
  if (date.getTimezoneOffset() === 0) return "UTC";
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return /^[A-Z]{2,5}$/.test(name) ? name : offsetText(date).replace(":", "");
}
