import { boolFlag, choiceFlag, type Flag } from "../framework/flags.ts";

/** How a long command tells what it does. */
export type ProgressMode = "auto" | "plain" | "tty" | "json" | "quiet";

/** `--progress` and `--quiet`, shared by every command that can last. */
export const PROGRESS_FLAGS = {
  progress: choiceFlag(
    "How to show progress on standard error: auto, plain, tty, json, quiet",
    ["auto", "plain", "tty", "json", "quiet"] satisfies ProgressMode[],
    { default: "auto" },
  ),
  quiet: boolFlag("Suppress progress", { short: "q" }),
} satisfies Record<string, Flag>;

/** What the two say together: `--quiet` wins. */
export function progressMode({ progress, quiet }: { progress: ProgressMode; quiet: boolean }): ProgressMode {
  return quiet ? "quiet" : progress;
}
