import { isatty } from "node:tty";
import { NOUNS } from "./commands/index.ts";
import { dispatch } from "./framework/dispatch.ts";
import { DescriptorOutput } from "./framework/text-output.ts";

let stdinIsTerminal: boolean | undefined;

void dispatch(process.argv.slice(2), NOUNS, {
  environment: process.env,
  stdin: {
    fd: 0,
    get isTerminal(): boolean {
      return (stdinIsTerminal ??= isatty(0));
    },
  },
  stdout: new DescriptorOutput(1),
  stderr: new DescriptorOutput(2),
}).then((status) => {
  process.exitCode = status;
});
