import { NOUNS } from "./commands/index.ts";
import { dispatch } from "./framework/dispatch.ts";
import { isTerminal } from "./framework/is-terminal.ts";
import { DescriptorOutput } from "./framework/text-output.ts";

let stdinIsTerminal: boolean | undefined;

/** Settles when the command is over; the bundle's launcher waits for it where it runs several. */
export const finished = dispatch(process.argv.slice(2), NOUNS, {
  environment: process.env,
  stdin: {
    fd: 0,
    get isTerminal(): boolean {
      return (stdinIsTerminal ??= isTerminal(0));
    },
  },
  stdout: new DescriptorOutput(1),
  stderr: new DescriptorOutput(2),
}).then((status) => {
  process.exitCode = status;
});
