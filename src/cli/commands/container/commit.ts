import { defineCommand } from "../../framework/command.ts";
import { boolFlag, listFlag, stringFlag } from "../../framework/flags.ts";
import { timestampFlag, wantedTimestamp } from "../../framework/timestamp-flag.ts";
import { PROGRESS_FLAGS, progressMode } from "../../progress/progress-flag.ts";

export const command = defineCommand({
  summary: "Create a new image from a container's changes",
  description:
    "The image is the container's, with one layer more. Volumes are not in it. A running container is frozen meanwhile.",
  operands: {
    synopsis: "CONTAINER [REPOSITORY[:TAG]]",
    min: 1,
    max: 2,
    completes: "container",
    completesNext: "image",
  },
  flags: {
    author: stringFlag('Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', { short: "a" }),
    change: listFlag("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: stringFlag("Commit message", { short: "m" }),
    pause: boolFlag("Pause container during commit", { short: "p", default: true }),
    "no-pause": boolFlag("Do not pause the container: files may change while they are read"),
    ...PROGRESS_FLAGS,
    timestamp: timestampFlag,
  },
  examples: [
    { says: "Keep what a container has become", line: "gantry commit web web:patched" },
    { says: "And change how it starts", line: `gantry commit -c 'CMD ["nginx", "-g", "daemon off;"]' web web:patched` },
  ],
  async run(context, { flags, operands }) {
    const timestamp = wantedTimestamp(context, flags.timestamp);
    const { openStore } = await import("../../../store/open-store.ts");
    const { commitContainer } = await import("../../../engine/commit-container.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const [container, name] = operands as [string, string?];
    const options = {
      author: flags.author,
      message: flags.message,
      changes: flags.change,
      pause: flags.pause && !flags["no-pause"],
      ...(name === undefined ? {} : { name }),
      ...(timestamp === undefined ? {} : { timestamp }),
    };
    const store = openStore(context.storeRoot);
    const image = await withProgress(context, progressMode(flags), (reporter) =>
      commitContainer(store, container, options, reporter),
    );
    context.stdout.write(`${image.id}\n`);
    return 0;
  },
});
