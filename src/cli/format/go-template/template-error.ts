/** A template that cannot be read or carried out; the message is worded as Go's text/template does. */
export class TemplateError extends Error {
  /** A mistake in the text itself, at index `at`. */
  constructor(source: string, at: number, problem: string) {
    super(`template: :${lineOf(source, at)}: ${problem}`);
  }
}

/** A template that is well-formed but does not fit its data. */
export class ExecutionError extends Error {
  constructor(source: string, at: number, shown: string, problem: string) {
    const lineStart = source.lastIndexOf("\n", at - 1) + 1;
    super(`template: :${lineOf(source, at)}:${at - lineStart}: executing "" at <${shown}>: ${problem}`);
  }
}

function lineOf(source: string, at: number): number {
  let line = 1;
  for (let i = source.indexOf("\n"); i >= 0 && i < at; i = source.indexOf("\n", i + 1)) line++;
  return line;
}
