import { boolFlag, stringFlag } from "./flags.ts";

/** Options before the command; `--root` and `--debug` are understood after it too. */
export const GLOBAL_FLAGS = {
  debug: boolFlag("Show where an unexpected error comes from", { short: "D" }),
  help: boolFlag("Print usage", { short: "h" }),
  root: stringFlag(
    "Directory of the store (default $GANTRY_ROOT, else /var/lib/gantry, or $XDG_DATA_HOME/gantry when not root)",
    {
      typeName: "directory",
      completes: "file",
    },
  ),
  version: boolFlag("Print version information and quit", { short: "v" }),
};
