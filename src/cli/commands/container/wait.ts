import { defineCommand } from "../../framework/command.ts";
import { forEachTarget } from "../../framework/for-each-target.ts";

export const command = defineCommand({
  summary: "Block until one or more containers stop, then print their exit codes",
  operands: { synopsis: "CONTAINER [CONTAINER...]", min: 1, completes: "container" },
  flags: {},
  examples: [{ says: "Wait for a job", line: "gantry wait job" }],
  async run(context, { operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { waitContainer } = await import("../../../engine/wait-container.ts");
    const { findContainer } = await import("../../../runtime/find-container.ts");
    const store = openStore(context.storeRoot);
    return await forEachTarget(context, operands, async (given) => {
      const code = await waitContainer(findContainer(store.layout, given), { signal: context.signal });
      if (code !== undefined) context.stdout.write(`${code}\n`);
    });
  },
});
