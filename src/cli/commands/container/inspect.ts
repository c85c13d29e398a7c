import { objectFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag } from "../../framework/flags.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more containers",
  operands: { synopsis: "CONTAINER [CONTAINER...]", min: 1, completes: "container" },
  flags: {
    format: objectFormatFlag,
    size: boolFlag("Display total file sizes", { short: "s" }),
  },
  examples: [{ says: "The state of a container", line: "gantry container inspect -f '{{.State.Status}}' web" }],
  async run(context, { flags, operands }) {
    const { inspectTargets } = await import("../inspect-targets.ts");
    const { openStore } = await import("../../../store/open-store.ts");
    const { inspectContainer } = await import("../../../engine/inspect-container.ts");
    const store = openStore(context.storeRoot);
    return await inspectTargets(context, operands, flags.format, (given) =>
      inspectContainer(store, given, { size: flags.size }),
    );
  },
});
