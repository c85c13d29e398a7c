import { defineCommand } from "../../framework/command.ts";
import { stringFlag } from "../../framework/flags.ts";
import { PROGRESS_FLAGS, progressMode } from "../../progress/progress-flag.ts";

export const command = defineCommand({
  summary: "Export a container's filesystem as a tar archive",
  description: "The whole tree of the container, running or not: its image with its own changes, without volumes.",
  operands: { synopsis: "CONTAINER", min: 1, max: 1, completes: "container" },
  flags: {
    output: stringFlag("Write to a file, instead of STDOUT", { short: "o", completes: "file" }),
    ...PROGRESS_FLAGS,
  },
  examples: [
    { says: "Into a file", line: "gantry export -o tree.tar web" },
    { says: "Look at the files", line: "gantry export web | tar t" },
  ],
  async run(context, { flags, operands }) {
    if (flags.output === "" && context.stdout.isTerminal) {
      const { GantryError } = await import("../../../errors/index.ts");
      throw new GantryError("USAGE", "refusing to write a tar archive to a terminal", {
        remedy: "Use -o FILE, or redirect standard output.",
      });
    }
    const { openStore } = await import("../../../store/open-store.ts");
    const { exportContainer } = await import("../../../engine/export-container.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const target = flags.output === "" ? { fd: context.stdout.fd } : { path: flags.output };
    const store = openStore(context.storeRoot);
    await withProgress(context, progressMode(flags), (reporter) =>
      exportContainer(store, operands[0]!, target, reporter),
    );
    return 0;
  },
});
