import { GantryError } from "../../../errors/index.ts";
import { type ArchiveLimits, type LimitName, LIMITS } from "../../../kernels/archive-limits.ts";
import { parseByteSize } from "../../format/byte-size.ts";
import type { CommandContext } from "../../framework/context.ts";
import type { Flag } from "../../framework/flags.ts";
import { nearestWord } from "../../framework/nearest-word.ts";

const NAMES = Object.keys(LIMITS) as LimitName[];

/** `--limit NAME=VALUE`, repeatable: for every command that reads archives of others. */
export const limitFlag: Flag<ArchiveLimits> = {
  typeName: "name=value",
  help: `Raise or lower a limit of what is read: ${NAMES.join(", ")}`,
  initial: {},
  isSwitch: false,
  parse: (text, before) => ({ ...before, ...parseLimit(text) }),
};

/**
 * The limits of a command: those of its flags over those of the environment variable GANTRY_LIMITS, which has the same
 * `NAME=VALUE`, separated by commas.
 * @throws USAGE if the variable makes no sense
 */
export function archiveLimits({ environment }: CommandContext, flags: ArchiveLimits): ArchiveLimits {
  const text = environment["GANTRY_LIMITS"] ?? "";
  let limits: ArchiveLimits = {};
  for (const item of text.split(",").filter((part) => part.trim() !== "")) {
    try {
      limits = { ...limits, ...parseLimit(item.trim()) };
    } catch (error) {
      throw new GantryError("USAGE", `GANTRY_LIMITS=${JSON.stringify(text)}: ${(error as Error).message}`, {
        remedy: "Write NAME=VALUE, separated by commas.",
      });
    }
  }
  return { ...limits, ...flags };
}

/** `depth=2000`, `entry-bytes=20t`, `ratio=none` (as much as there can be). */
function parseLimit(text: string): ArchiveLimits {
  const equals = text.indexOf("=");
  if (equals < 0) throw new Error("must be NAME=VALUE");
  const name = NAMES.find((known) => known === text.slice(0, equals));
  if (name === undefined) {
    const near = nearestWord(text.slice(0, equals), NAMES);
    const hint = near === undefined ? `one of ${NAMES.join(", ")}` : `did you mean ${near}?`;
    throw new Error(`there is no limit ${JSON.stringify(text.slice(0, equals))}: ${hint}`);
  }
  const value = text.slice(equals + 1);
  const { most, unit } = LIMITS[name];
  if (value === "none") return { [name]: most };
  if (unit === "count" && !/^\d+$/.test(value)) throw new Error(`${name} must be a number, or none`);
  const number = parseByteSize(value);
  if (number > most) throw new Error(`${name} can be ${most} at most`);
  return { [name]: number };
}
