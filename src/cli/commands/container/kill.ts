import { defineCommand } from "../../framework/command.ts";
import { stringFlag } from "../../framework/flags.ts";
import { forEachTarget } from "../../framework/for-each-target.ts";

export const command = defineCommand({
  summary: "Kill one or more running containers",
  operands: { synopsis: "CONTAINER [CONTAINER...]", min: 1, completes: "running-container" },
  flags: { signal: stringFlag("Signal to send to the container", { short: "s" }) },
  examples: [{ says: "Tell a server to read its configuration again", line: "gantry kill -s HUP web" }],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { killContainer } = await import("../../../engine/kill-container.ts");
    const store = openStore(context.storeRoot);
    return await forEachTarget(context, operands, async (given) => {
      await killContainer(store, given, flags.signal === "" ? "KILL" : flags.signal);
      context.stdout.write(`${given}\n`);
    });
  },
});
