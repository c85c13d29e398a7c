import { exitStatusOf, isGantryError } from "../../errors/index.ts";
import { BrokenPipe, type TextOutput } from "./context.ts";
import { UsageError } from "./usage-errors.ts";

export interface ReportOptions {
  readonly debug?: boolean;
  readonly runsContainer?: boolean;
}

/**
 * Tells the user what went wrong, remedy on its own line, and returns the exit status. A broken pipe is not an error to
 * tell. What gantry did not expect gets one line, and its stack with `--debug`.
 */
export function reportError(error: unknown, stderr: TextOutput, options: ReportOptions = {}): number {
  if (isBrokenPipe(error)) return new BrokenPipe().exitStatus;
  const status = errorStatus(error, options);
  try {
    stderr.write(errorText(error, options.debug === true));
  } catch (failure) {
    if (!(failure instanceof BrokenPipe)) throw failure;
  }
  return status;
}

/** Our own write met a reader that had gone, or the engine's did, which streamed to standard output. */
export function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof BrokenPipe || (isGantryError(error, "SYSTEM_CALL_FAILED") && error.details["name"] === "EPIPE")
  );
}

function errorStatus(error: unknown, options: ReportOptions): number {
  if (error instanceof UsageError) return error.exitStatus;
  const kind = isGantryError(error) ? error.kind : isAbort(error) ? "cancelled" : "internal";
  return exitStatusOf(kind, { runsContainer: options.runsContainer === true });
}

/** The error's lines for a person. */
export function errorText(error: unknown, debug: boolean): string {
  if (error instanceof UsageError) return `${error.message}\n`;
  if (isAbort(error)) return "gantry: cancelled\n";
  if (isGantryError(error)) {
    const remedy = error.remedy === undefined ? "" : `${error.remedy}\n`;
    return `gantry: ${error.message}\n${remedy}${debug ? trace(error) : ""}`;
  }
  const message = error instanceof Error ? error.message : String(error);
  const way = debug
    ? trace(error)
    : "This is not an error gantry expects; run it again with --debug to see where it comes from.\n";
  return `gantry: ${message}\n${way}`;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function trace(error: unknown): string {
  let text = "";
  for (let cause: unknown = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    const details = isGantryError(cause) && Object.keys(cause.details).length > 0 ? JSON.stringify(cause.details) : "";
    const shown = cause instanceof Error ? (cause.stack ?? cause.message) : JSON.stringify(cause);
    text += `${text === "" ? "" : "caused by: "}${shown} ${details}`.trimEnd() + "\n";
  }
  return text;
}
