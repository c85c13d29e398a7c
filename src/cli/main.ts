import { NOUNS } from "./commands/index.ts";
import { dispatch } from "./framework/dispatch.ts";
import { isTerminal } from "./framework/is-terminal.ts";
import { DescriptorOutput } from "./framework/text-output.ts";

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
});

async function run(): Promise<number> {
  if (words[0] !== "__complete") return await dispatch(words, NOUNS, terminal);
  const { printCompletions } = await import("./print-completions.ts");
  await printCompletions(words.slice(2), NOUNS, terminal);
  return 0;
}
