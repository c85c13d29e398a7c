import { type Reporter, SILENT_REPORTER } from "../../../events/progress.ts";
import type { CommandContext } from "../../framework/context.ts";

/** Tells warnings alone, each a line as Docker's client writes it: for commands that are done in an instant. */
export function warningReporter({ stderr, signal }: CommandContext): Reporter {
  return {
    ...SILENT_REPORTER,
    signal,
    emit(event) {
      if (event.kind === "message" && event.level === "warning") stderr.write(`WARNING: ${event.text}\n`);
    },
  };
}
