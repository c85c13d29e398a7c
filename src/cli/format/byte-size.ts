const POWERS = "kmgtpe";

/**
 * Bytes of a size with an optional binary unit, as Docker's `--memory` reads it: `b`, `k`, `kb`, `kib`, `m` ... `p`, any
 * case, fractions allowed, one space before the unit allowed.
 * @throws {Error} for anything else, a negative size too
 */
export function parseByteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+) ?(?:([kmgtpe])(?:i?b)?|b)?$/i.exec(text);
  if (match === null) throw new Error(`invalid size: '${text}'`);
  const power = match[2] === undefined ? 0 : POWERS.indexOf(match[2].toLowerCase()) + 1;
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  if (!Number.isSafeInteger(bytes)) throw new Error(`invalid size: '${text}' is too large`);
  return bytes;
}

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/** `1240000000` -> `1.24GB`: decimal units, `precision` significant digits, as Docker's tables show sizes. */
export function humanSize(bytes: number, precision = 3): string {
  return scaled(bytes, 1000, DECIMAL, precision);
}

/** `536870912` -> `512MiB`: binary units, four significant digits, as Docker shows memory. */
export function binarySize(bytes: number, precision = 4): string {
  return scaled(bytes, 1024, BINARY, precision);
}

function scaled(bytes: number, base: number, units: readonly string[], precision: number): string {
  let value = bytes;
  let unit = 0;
  // Rounded first: 999.9 kB is 1MB, not 1e+03kB.
  while (unit < units.length - 1 && Number(value.toPrecision(precision)) >= base) {
    value /= base;
    unit++;
  }
  // Four digits before the point (1000 to 1023 of a binary unit) are whole even at a precision of three.
  const digits =
    Math.abs(value) >= 10 ** precision ? String(Math.round(value)) : String(Number(value.toPrecision(precision)));
  return digits + units[unit]!;
}
