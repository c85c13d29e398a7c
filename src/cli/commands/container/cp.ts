import type { CopyEnd } from "../../../engine/copy-path.ts";
import { GantryError } from "../../../errors/index.ts";
import { humanSize } from "../../format/byte-size.ts";
import { defineCommand } from "../../framework/command.ts";
import type { CommandContext } from "../../framework/context.ts";
import { boolFlag } from "../../framework/flags.ts";
import { PROGRESS_FLAGS } from "../../progress/progress-flag.ts";
import { archiveLimits, limitFlag } from "../image/limit-flags.ts";

export const command = defineCommand({
  summary: "Copy files/folders between a container and the local filesystem",
  description:
    "CONTAINER:SRC_PATH DEST_PATH|- copies out, SRC_PATH|- CONTAINER:DEST_PATH copies in; the container may run or not.\n" +
    "'-' as the source reads a tar archive from stdin and extracts it to a directory of the container; as the\n" +
    "destination it streams a tar archive of the source to stdout. SRC_PATH/. means what the directory holds.\n" +
    "Copies belong to root in a container, and outside to who copies; -a keeps owners, as tar streams always do.",
  operands: { synopsis: "SRC DEST", min: 2, max: 2, completes: "container" },
  flags: {
    archive: boolFlag("Archive mode (copy all uid/gid information)", { short: "a" }),
    "follow-link": boolFlag("Always follow symbol link in SRC_PATH", { short: "L" }),
    limit: limitFlag,
    ...PROGRESS_FLAGS,
    quiet: boolFlag("Suppress progress output during copy; without a terminal it always is", { short: "q" }),
  },
  examples: [
    { says: "A file into a container", line: "gantry cp ./site.conf web:/etc/nginx/conf.d/" },
    { says: "A directory's content out of it", line: "gantry cp web:/var/log/nginx/. ./logs" },
    { says: "As a tar, owners and all", line: "gantry cp web:/srv - | tar tv" },
  ],
  async run(context, { flags, operands, given }) {
    const { copyFiles } = await import("../../../engine/copy-files.ts");
    const { parseCopyEnd } = await import("../../../engine/copy-path.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const [source, destination] = (operands as [string, string]).map(parseCopyEnd) as [CopyEnd, CopyEnd];
    refuseTerminals(context, operands, source, destination);
    const { openStore } = await import("../../../store/open-store.ts");
    const store = openStore(context.storeRoot);
    const quiet = given.has("quiet") ? flags.quiet : !context.stdout.isTerminal;
    const options = {
      archive: flags.archive,
      followLink: flags["follow-link"],
      stream: { stdin: context.stdin.fd, stdout: context.stdout.fd },
      limits: archiveLimits(context, flags.limit),
    };
    const copied = await withProgress(context, quiet && !given.has("progress") ? "quiet" : flags.progress, (reporter) =>
      copyFiles(store, source, destination, options, reporter),
    );
    if (!quiet && destination.kind !== "stream") {
      context.stderr.write(`Successfully copied ${humanSize(copied.tarBytes)} to ${copied.destination}\n`);
    }
    return 0;
  },
});

/** @throws USAGE for an empty argument, and for a tar from or to a terminal */
function refuseTerminals(
  context: CommandContext,
  operands: readonly string[],
  source: CopyEnd,
  destination: CopyEnd,
): void {
  if (operands[0] === "") throw new GantryError("USAGE", "source can not be empty");
  if (operands[1] === "") throw new GantryError("USAGE", "destination can not be empty");
  if (destination.kind === "stream" && context.stdout.isTerminal) {
    throw new GantryError("USAGE", "refusing to write a tar archive to a terminal", {
      remedy: "Redirect standard output, or name a destination.",
    });
  }
  if (source.kind === "stream" && context.stdin.isTerminal) {
    throw new GantryError("USAGE", "refusing to read a tar archive from a terminal", {
      remedy: "Redirect standard input, or name a source.",
    });
  }
}
