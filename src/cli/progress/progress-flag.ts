import { choiceFlag } from "../framework/flags.ts";

/** How a long command tells what it does. */
export type ProgressMode = "auto" | "plain" | "tty" | "json" | "quiet";

/** `--progress`, shared by every command that can last. */
export const progressFlag = choiceFlag(
  "How to show progress on standard error: auto, plain, tty, json, quiet",
  ["auto", "plain", "tty", "json", "quiet"] satisfies ProgressMode[],
  { default: "auto" },
);
