import { chosenTimestamp, parseTimestamp, type Timestamp } from "../../image/timestamp.ts";
import type { CommandContext } from "./context.ts";
import type { Flag } from "./flags.ts";

/** `--timestamp`, shared by every command that makes an image. */
export const timestampFlag: Flag<Timestamp | undefined> = {
  typeName: "time",
  help: "Date the image so, in Unix seconds or RFC 3339, whatever the clock says (default: SOURCE_DATE_EPOCH)",
  initial: undefined,
  isSwitch: false,
  parse: (text) => parseTimestamp(text),
};

/**
 * The flag's value, else that of the environment variable SOURCE_DATE_EPOCH; undefined where the clock is to be asked.
 * @throws TIMESTAMP_INVALID
 */
export function wantedTimestamp(context: CommandContext, flag: Timestamp | undefined): Timestamp | undefined {
  return chosenTimestamp(flag, context.environment["SOURCE_DATE_EPOCH"]);
}
