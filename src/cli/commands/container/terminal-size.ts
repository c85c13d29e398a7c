import { WriteStream } from "node:tty";

/** Columns and rows of the terminal that is standard output; undefined where there is none. */
export function terminalSize(): { width: number; height: number } | undefined {
  const { stdout } = process;
  if (!(stdout instanceof WriteStream) || stdout.columns <= 0) return undefined;
  return { width: stdout.columns, height: stdout.rows };
}
