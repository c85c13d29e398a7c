import { NOUNS } from "./commands/index.ts";
import { dispatch } from "./framework/dispatch.ts";
import { isTerminal } from "./framework/is-terminal.ts";
import { DescriptorOutput } from "./framework/text-output.ts";

/** The signals that end a command, by the exit status that it then has. */
const INTERRUPTIONS: Readonly<Record<number, NodeJS.Signals>> = { 130: "SIGINT", 143: "SIGTERM" };
const BLOCKED_MS = 100;

let stdinIsTerminal: boolean | undefined;

const words = process.argv.slice(2);
const terminal = {
  environment: process.env,
  stdin: {
    fd: 0,
    get isTerminal(): boolean {
      return (stdinIsTerminal ??= isTerminal(0));
    },
  },
  stdout: new DescriptorOutput(1),
  stderr: new DescriptorOutput(2),
};

/** Settles when the command is over; the bundle's launcher waits for it where it runs several. */
export const finished = run().then((status) => {
  process.exitCode = status;
  const signal = INTERRUPTIONS[status];
  if (signal !== undefined) setTimeout(dieOf, BLOCKED_MS, signal).unref();
});

/**
 * A read of a pipe that brings nothing cannot be called off, and even process.exit would wait for it: dies of the signal
 * that it was sent, as programs without a handler do; to a shell the status is the same.
 */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

async function run(): Promise<number> {
  if (words[0] !== "__complete") return await dispatch(words, NOUNS, terminal);
  const { printCompletions } = await import("./print-completions.ts");
  await printCompletions(words.slice(2), NOUNS, terminal);
  return 0;
}
