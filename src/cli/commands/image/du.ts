import type { UsedSpace } from "../../../engine/disk-usage.ts";
import { humanSize } from "../../format/byte-size.ts";
import type { Listing } from "../../format/listing.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, intFlag, stringFlag } from "../../framework/flags.ts";
import { progressMode } from "../../progress/progress-flag.ts";
import { TREE_FLAGS, treeOptions } from "./tree-flags.ts";

export const command = defineCommand({
  summary: "Show how large the directories of an image, archive or container are",
  description:
    "Largest first. IMAGE may also be container:NAME or archive:FILE[:NAME].\n" +
    "gantry image analyze shows what each layer costs.",
  operands: { synopsis: "IMAGE [PATH...]", min: 1, completes: "image", completesNext: "none" },
  flags: {
    depth: intFlag("Show so many levels of directories", { short: "d", default: 1, min: 0 }),
    format: stringFlag(
      "Format output using a Go template:\n" +
        "'table':            A table with column titles (default)\n" +
        "'table TEMPLATE':   A table whose rows the template makes\n" +
        "'json':             One JSON object a line\n" +
        "'TEMPLATE':         The template's result for each directory",
    ),
    human: boolFlag("Print sizes in human readable format", { short: "H", default: true }),
    ...TREE_FLAGS,
  },
  examples: [
    { says: "What is large?", line: "gantry image du debian" },
    { says: "And in it?", line: "gantry image du -d 2 debian /usr/share" },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { diskUsage } = await import("../../../engine/disk-usage.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const { renderListing } = await import("../../format/listing.ts");
    const [given, ...paths] = operands;
    const store = openStore(context.storeRoot);
    const used = await withProgress(context, progressMode(flags), (reporter) =>
      diskUsage(store, given!, { ...treeOptions(context, flags), paths, depth: flags.depth ?? 1 }, reporter),
    );
    const listing: Listing<UsedSpace> = {
      typeName: "directory",
      quiet: "Path",
      table: ["Size", "Files", "Path"],
      fields: {
        Files: { title: "FILES", value: ({ files }) => files },
        Path: { title: "PATH", value: ({ path }) => path },
        Size: { title: "SIZE", value: ({ size }) => (flags.human ? humanSize(size) : size) },
      },
    };
    context.stdout.write(await renderListing(listing, used, { format: flags.format }));
    return 0;
  },
});
