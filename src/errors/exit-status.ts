import type { ErrorKind } from "./codes.ts";

/** The exit status of a failed command; `run` and `exec` use 125 where others use 1, as Docker does. */
export function exitStatusOf(kind: ErrorKind, options: { runsContainer?: boolean } = {}): number {
  switch (kind) {
    case "command-not-executable":
      return 126;
    case "command-not-found":
      return 127;
    case "cancelled":
      return 130;
    default:
      return options.runsContainer === true ? 125 : 1;
  }
}
