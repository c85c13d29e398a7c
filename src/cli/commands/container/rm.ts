import { isGantryError } from "../../../errors/index.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag } from "../../framework/flags.ts";
import { forEachTarget } from "../../framework/for-each-target.ts";

export const command = defineCommand({
  summary: "Remove one or more containers",
  operands: { synopsis: "CONTAINER [CONTAINER...]", min: 1, completes: "container" },
  flags: {
    force: boolFlag("Force the removal of a running container (uses SIGKILL)", { short: "f" }),
    volumes: boolFlag("Remove anonymous volumes associated with the container", { short: "v" }),
  },
  examples: [{ says: "Remove a container, running or not", line: "gantry rm -f web" }],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { removeContainer } = await import("../../../engine/remove-container.ts");
    const store = openStore(context.storeRoot);
    return await forEachTarget(context, operands, async (given) => {
      try {
        await removeContainer(store, given, { force: flags.force, volumes: flags.volumes });
      } catch (error) {
        // With --force it is enough that the container is gone: told, but no failure, as in Docker.
        if (!flags.force || !isGantryError(error, "CONTAINER_NOT_FOUND")) throw error;
        context.stderr.write(`gantry: ${error.message}\n`);
        return;
      }
      context.stdout.write(`${given}\n`);
    });
  },
});
