import { defineCommand } from "../../framework/command.ts";
import { versionLine } from "../../version.ts";

export const command = defineCommand({
  summary: "Show gantry's version",
  operands: { synopsis: "" },
  flags: {},
  examples: [],
  run(context) {
    context.stdout.write(`${versionLine()}\n`);
    return 0;
  },
});
