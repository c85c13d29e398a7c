import { readSync } from "node:fs";
import type { CommandContext } from "./context.ts";

const QUESTION = "Are you sure you want to continue? [y/N] ";

/**
 * Asks on standard output, after `warning`, and reads a line of standard input.
 * @returns whether it says `y`; the end of the input is no
 */
export function confirm(context: CommandContext, warning: string): boolean {
  context.stdout.write(`${warning}\n${QUESTION}`);
  const answer = readLine(context.stdin.fd);
  // What is printed next begins on a line of its own where nobody has pressed Enter.
  if (!context.stdin.isTerminal) context.stdout.write("\n");
  return answer.trim().toLowerCase() === "y";
}

/** Byte by byte: what follows the line is not ours. */
function readLine(fd: number): string {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  for (;;) {
    let length: number;
    try {
      length = readSync(fd, byte, 0, 1, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN" || code === "EINTR") {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        continue;
      }
      return "";
    }
    if (length === 0 || byte[0] === 0x0a) return Buffer.from(bytes).toString();
    bytes.push(byte[0]!);
  }
}
