import type { Command } from "./command.ts";
import { usageLine } from "./help.ts";

/** A command line that cannot be carried out: the text for standard error and the exit status. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly exitStatus: number,
  ) {
    super(message);
  }
}

/** Adds the usage line and the way to the help to what is wrong with a verb's flags. Docker's status is 125. */
export function flagUsageError(path: string, usage: string, problem: string, suggestion?: string): UsageError {
  return new UsageError(problem + didYouMean(suggestion === undefined ? [] : [suggestion]) + trailer(path, usage), 125);
}

/**
 * Counts operands as the declaration wants them.
 * @throws {UsageError} with Docker's words and its status 1
 */
export function checkOperandCount(path: string, command: Command, count: number): void {
  const { synopsis, min = 0 } = command.operands;
  const max = command.operands.max ?? (synopsis === "" ? 0 : Infinity);
  if (count >= min && count <= max) return;
  const noun = (n: number): string => `${n} argument${n === 1 ? "" : "s"}`;
  let wanted: string;
  if (max === 0) wanted = "accepts no arguments";
  else if (min === max) wanted = `requires ${noun(min)}`;
  else if (min > 0 && max !== Infinity) wanted = `requires at least ${min} and at most ${noun(max)}`;
  else wanted = count < min ? `requires at least ${noun(min)}` : `requires at most ${noun(max)}`;
  throw new UsageError(`gantry: '${path}' ${wanted}${trailer(path, usageLine(path, command))}`, 1);
}

/** A word in a command's place that is none. */
export function unknownCommandError(path: string, word: string, suggestions: readonly string[]): UsageError {
  const text = `gantry: unknown command: ${path} ${word}${didYouMean(suggestions)}`;
  return new UsageError(`${text}\n\nRun '${path} --help' for more information`, 1);
}

function didYouMean(suggestions: readonly string[]): string {
  if (suggestions.length === 0) return "";
  const quoted = suggestions.map((suggestion) => `'${suggestion}'`);
  const last = quoted.pop() as string;
  return `\n\nDid you mean ${quoted.length === 0 ? "" : `${quoted.join(", ")} or `}${last}?`;
}

function trailer(path: string, usage: string): string {
  return `\n\nUsage:  ${usage}\n\nRun '${path} --help' for more information`;
}
