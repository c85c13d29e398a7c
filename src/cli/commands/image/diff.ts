import type { DiffSection } from "../../../engine/diff-images.ts";
import { exportedNames } from "../../format/exported-names.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, listFlag, stringFlag } from "../../framework/flags.ts";
import { progressMode } from "../../progress/progress-flag.ts";
import { TREE_FLAGS, treeOptions } from "./tree-flags.ts";

export const command = defineCommand({
  summary: "Show what differs between two images, archives or containers",
  description:
    "Compares files, configuration and installed packages, without unpacking anything.\n" +
    "\n" +
    "Either side is an image, a container or an archive (a file of docker save, an OCI layout).\n" +
    "A path that begins with /, ./ or ../ is an archive; otherwise an image is looked for, then\n" +
    "a container, then a file. image:REF, container:NAME and archive:FILE[:NAME] say it plainly.\n" +
    "Letters are those of docker diff: A added, C changed, D deleted.",
  operands: { synopsis: "FROM TO", min: 2, max: 2, completes: "image" },
  flags: {
    config: boolFlag("Compare the configuration (with --files and --packages: these only)"),
    "exit-code": boolFlag("Exit with 1 if there are differences, with 0 if there are none"),
    files: boolFlag("Compare the files"),
    format: stringFlag(
      "Format output:\n" +
        "'table':            Sections for people (default)\n" +
        "'name-status':      'A /path' a line, as docker diff\n" +
        "'json':             One JSON object\n" +
        "'table TEMPLATE':   A table whose rows the Go template makes\n" +
        "'TEMPLATE':         The template's result for each difference",
    ),
    ignore: listFlag('Pass over files that differ only in this: "times"', {
      check: (text) => {
        if (text !== "times") throw new Error('must be "times"');
        return text;
      },
    }),
    packages: boolFlag("Compare the installed packages (dpkg, apk, rpm)"),
    path: stringFlag("Compare only files at or below this path"),
    ...TREE_FLAGS,
    quick: boolFlag("Take files of the same size and time to be the same, without reading them"),
    summary: boolFlag("Show only how much differs"),
    stat: boolFlag("The same as --summary", { hidden: true }),
  },
  examples: [
    { says: "What an update changed", line: "gantry image diff debian:12.4 debian:12.5" },
    { says: "Only the packages", line: "gantry image diff --packages app:1 app:2" },
    { says: "Is the archive what is in the store?", line: "gantry image diff --exit-code app:1 archive:app.tar" },
    {
      says: "The files that became larger",
      line: "gantry image diff --files --format '{{.SizeDelta}}\\t{{.Path}}' app:1 app:2",
    },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { diffImages } = await import("../../../engine/diff-images.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const { DIFF_LISTING, diffRows, diffText, nameStatusText } = await import("./diff-text.ts");
    const store = openStore(context.storeRoot);
    const nameStatus = flags.format === "name-status";
    const chosen = (["files", "config", "packages"] as const).filter((section) => flags[section]);
    const sections: ReadonlySet<DiffSection> = new Set(
      chosen.length > 0 ? chosen : nameStatus || flags.path !== "" ? ["files"] : ["files", "config", "packages"],
    );
    const diff = await withProgress(context, progressMode(flags), (reporter) =>
      diffImages(
        store,
        [operands[0]!, operands[1]!],
        {
          ...treeOptions(context, flags),
          sections,
          ...(flags.path === "" ? {} : { path: flags.path }),
          ignoreTimes: flags.ignore.includes("times"),
          quick: flags.quick,
        },
        reporter,
      ),
    );
    const rows = diffRows(diff);
    if (nameStatus) context.stdout.write(nameStatusText(rows));
    else if (flags.format === "json") context.stdout.write(`${JSON.stringify(exportedNames(diff))}\n`);
    else if (flags.format === "" || flags.format === "table") {
      context.stdout.write(diffText(diff, rows, { summary: flags.summary || flags.stat }));
    } else {
      const { renderListing } = await import("../../format/listing.ts");
      context.stdout.write(await renderListing(DIFF_LISTING, rows, { format: flags.format }));
    }
    return flags["exit-code"] && rows.length > 0 ? 1 : 0;
  },
});
