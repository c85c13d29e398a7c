import type { ContainerChange } from "../../../engine/diff-container.ts";
import type { Listing } from "../../format/listing.ts";
import { defineCommand } from "../../framework/command.ts";
import { stringFlag } from "../../framework/flags.ts";
import { PROGRESS_FLAGS, progressMode } from "../../progress/progress-flag.ts";

export const command = defineCommand({
  summary: "Inspect changes to files or directories on a container's filesystem",
  description:
    "A line for each path: A added, C changed, D deleted. A directory above a change is shown as\n" +
    "changed; of a directory that was deleted only its own name is shown. Volumes are not looked at.\n" +
    "gantry image diff IMAGE container:NAME tells more.",
  operands: { synopsis: "CONTAINER", min: 1, max: 1, completes: "container" },
  flags: {
    format: stringFlag(
      "Format output using a Go template:\n" +
        "'json':             One JSON object a line\n" +
        "'TEMPLATE':         The template's result for each line",
    ),
    ...PROGRESS_FLAGS,
  },
  examples: [
    { says: "What has the container changed?", line: "gantry diff web" },
    { says: "Only the files that it added", line: "gantry diff --format '{{if eq .Kind \"A\"}}{{.Path}}{{end}}' web" },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { diffContainer } = await import("../../../engine/diff-container.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const store = openStore(context.storeRoot);
    const changes = await withProgress(context, progressMode(flags), (reporter) =>
      diffContainer(store, operands[0]!, reporter),
    );
    if (flags.format === "") {
      context.stdout.write(changes.map(({ kind, path }) => `${kind} ${path}\n`).join(""));
      return 0;
    }
    const { renderListing } = await import("../../format/listing.ts");
    context.stdout.write(await renderListing(LISTING, changes, { format: flags.format }));
    return 0;
  },
});

const LISTING: Listing<ContainerChange> = {
  typeName: "change",
  quiet: "Path",
  table: ["Kind", "Path"],
  fields: {
    Kind: { title: "KIND", value: ({ kind }) => kind },
    Path: { title: "PATH", value: ({ path }) => path },
  },
};
