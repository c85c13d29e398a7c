import { GantryError } from "../errors/index.ts";

/**
 * What an archive that is read may ask for: beyond any of these it is refused with LIMIT_EXCEEDED. The defaults are far
 * beyond what images have, and within what a machine can bear. This table is the only place that has them.
 */
export const LIMITS = {
  entries: { default: 5_000_000, most: 0xffffffff, unit: "count", help: "entries of one layer" },
  members: { default: 100_000, most: 0xffffffff, unit: "count", help: "files of an archive around layers" },
  "path-bytes": { default: 4096, most: 65_535, unit: "bytes", help: "bytes of a path or of a link's target" },
  depth: { default: 1024, most: 32_768, unit: "count", help: "components of a path" },
  "entry-bytes": { default: 2 ** 44, most: 2 ** 53 - 1, unit: "bytes", help: "size of one file, holes included" },
  "total-bytes": {
    default: 2 ** 40,
    most: 2 ** 53 - 1,
    unit: "bytes",
    help: "size of one layer or archive, uncompressed",
  },
  ratio: {
    default: 200,
    most: 2 ** 53 - 1,
    unit: "count",
    help: "bytes that one compressed byte may become, from 1 GiB on",
  },
  "pax-bytes": { default: 2 ** 20, most: 2 ** 30, unit: "bytes", help: "size of one extended header" },
  "xattr-bytes": { default: 2 ** 20, most: 2 ** 30, unit: "bytes", help: "extended attributes of one entry" },
  extents: { default: 1_000_000, most: 2 ** 27, unit: "count", help: "extents of a sparse file" },
  nesting: { default: 8, most: 64, unit: "count", help: "indexes within indexes" },
} as const satisfies Record<string, { default: number; most: number; unit: "count" | "bytes"; help: string }>;

export type LimitName = keyof typeof LIMITS;
/** Limits that differ from the defaults. Plain data: sent to worker threads. */
export type ArchiveLimits = Readonly<Partial<Record<LimitName, number>>>;

/** The value of a limit. */
export function limitOf(limits: ArchiveLimits, name: LimitName): number {
  return limits[name] ?? LIMITS[name].default;
}

/**
 * The error for something that goes beyond a limit: `message` says what and how far, the remedy how to raise it.
 * `value`: what would have sufficed, if that is known.
 */
export function limitExceeded(name: LimitName, message: string, value?: number): GantryError {
  return new GantryError("LIMIT_EXCEEDED", message, {
    remedy: `If you trust it, raise the limit with --limit ${name}=${value ?? "N"}.`,
    details: { limit: name, ...(value === undefined ? {} : { value }) },
  });
}
