import { defineCommand } from "../../framework/command.ts";
import { intFlag, stringFlag } from "../../framework/flags.ts";
import { forEachTarget } from "../../framework/for-each-target.ts";

export const command = defineCommand({
  summary: "Stop one or more running containers",
  operands: { synopsis: "CONTAINER [CONTAINER...]", min: 1, completes: "running-container" },
  flags: {
    signal: stringFlag("Signal to send to the container", { short: "s" }),
    time: intFlag("Seconds to wait before killing the container", { short: "t" }),
    timeout: intFlag("Seconds to wait before killing the container", { hidden: true }),
  },
  examples: [{ says: "Give a container a minute to end", line: "gantry stop -t 60 web" }],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { stopContainer } = await import("../../../engine/stop-container.ts");
    const store = openStore(context.storeRoot);
    const timeoutSeconds = flags.time ?? flags.timeout;
    return await forEachTarget(context, operands, async (given) => {
      await stopContainer(store, given, { timeoutSeconds, signal: flags.signal });
      context.stdout.write(`${given}\n`);
    });
  },
});
