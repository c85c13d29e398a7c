import { type ErrorCode, GantryError } from "../errors/index.ts";
import { limitExceeded, type LimitName } from "./archive-limits.ts";
import { displayBytes } from "./display-bytes.ts";

/** Where the scanner was and what it saw; `text` is what the message quotes. */
export interface TarScanPosition {
  /** Number of the entry, from 1. */
  entry: number;
  offset: number;
  path: Uint8Array;
  text: Uint8Array;
  valueA: number;
  valueB: number;
  what?: string;
  /** How the limit of the entries is called: of a layer, or of an archive around layers. */
  entriesLimit: "entries" | "members";
}

/** Header fields by their offset (POSIX pax, "ustar Header Block"). */
const FIELDS: Record<number, string> = {
  100: "mode",
  108: "uid",
  116: "gid",
  124: "size",
  136: "mtime",
  329: "devmajor",
  337: "devminor",
  483: "GNU sparse real size",
};

type Explanation =
  [code: ErrorCode, message: string, remedy?: string] | { name: LimitName; message: string; value?: number };
type Explain = (at: TarScanPosition) => Explanation;

const quote = (bytes: Uint8Array): string => `"${displayBytes(bytes)}"`;

/** By ERROR_* of wasm/tar-scan/state.ts. */
const EXPLANATIONS: Record<number | "truncated", Explain> = {
  1: (at) => [
    "TAR_INVALID",
    `the header's checksum is ${quote(at.text)} where its bytes give ${at.valueB.toString(8)} (octal)`,
  ],
  2: (at) => ["TAR_INVALID", `the header's ${FIELDS[at.valueA]!} is ${quote(at.text)}, which is not a number`],
  3: (at) => ["TAR_INVALID", `the header's ${FIELDS[at.valueA]!} is out of range: ${quote(at.text)}`],
  4: (at) => ["TAR_INVALID", `its pax header is malformed at byte ${at.valueA}: ${quote(at.text)}`],
  5: (at) => ["TAR_INVALID", `its pax record ${quote(at.text)} has a value that cannot be used`],
  6: (at) => [
    "TAR_UNSUPPORTED",
    `its type is ${JSON.stringify(String.fromCharCode(at.valueA))}, which is no kind of file`,
    "Write the archive in pax format, without incremental or multi-volume options.",
  ],
  7: (at) => limit(at.entriesLimit, `the tar has more than ${at.valueA} entries`),
  8: (at) => limit("path-bytes", `a path of ${at.valueA} bytes is longer than the limit of ${at.valueB}`, at),
  9: (at) => limit("pax-bytes", `a pax header of ${at.valueA} bytes is larger than the limit of ${at.valueB}`, at),
  10: (at) => limit("depth", `a path of ${at.valueA} components is deeper than the limit of ${at.valueB}`, at),
  11: (at) => ["TAR_UNSUPPORTED", `it has more than ${at.valueA} extended attributes`],
  12: () => ["TAR_INVALID", "its sparse map is malformed or does not fit the file's size"],
  13: () => ["TAR_INVALID", "a lone zero block is followed by more data"],
  14: (at) => ["TAR_INVALID", `its pax size ${at.valueA} disagrees with the header's size ${at.valueB}`],
  15: (at) => ["TAR_INVALID", `its header's or GNU long name disagrees with its pax record, ${quote(at.text)}`],
  16: () => ["TAR_INVALID", "it has no name"],
  17: () => ["TAR_INVALID", "it is a link without a target"],
  18: (at) => ["TAR_INVALID", `the global pax record ${quote(at.text)} would change every file after it`],
  19: () => ["TAR_INVALID", "a pax header follows another one where a file should"],
  20: () => ["TAR_INVALID", 'it is a regular file, but its name ends in "/"'],
  21: () => ["OUT_OF_MEMORY", "the records of this tar do not fit into 4 GiB of memory"],
  22: (at) =>
    limit("xattr-bytes", `${at.valueA} bytes of extended attributes are more than the limit of ${at.valueB}`, at),
  23: (at) => limit("extents", `it is a sparse file of more than ${at.valueA} extents`),
  24: (at) => limit("entry-bytes", `its size, ${at.valueA} bytes, is above the limit of ${at.valueB}`, at),
  truncated: (at) => ["TAR_INVALID", `the tar ends after ${at.valueA} bytes, inside ${at.what!}`],
};

function limit(name: LimitName, message: string, at?: TarScanPosition): Explanation {
  return { name, message, ...(at === undefined ? {} : { value: at.valueA }) };
}

/** The error for an ERROR_* number of the kernel, or for a tar that ends too early. */
export function scanError(error: number | "truncated", at: TarScanPosition): GantryError {
  const explanation = EXPLANATIONS[error]!(at);
  const name = at.path.length > 0 ? ` ${quote(at.path)}` : "";
  const where = `cannot read tar entry ${at.entry}${name} at byte ${at.offset}`;
  if (!Array.isArray(explanation)) {
    return limitExceeded(explanation.name, `${where}: ${explanation.message}`, explanation.value);
  }
  const [code, message, remedy] = explanation;
  return new GantryError(code, `${where}: ${message}`, {
    ...(remedy === undefined ? {} : { remedy }),
    details: { entry: at.entry, offset: at.offset, path: displayBytes(at.path) },
  });
}
