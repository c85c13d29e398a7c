import type { ListedFile } from "../../../engine/image-files.ts";
import { displayBytes } from "../../../kernels/display-bytes.ts";
import { humanSize } from "../../format/byte-size.ts";
import { fileMode } from "../../format/file-mode.ts";
import { localRfc3339 } from "../../format/go-time.ts";
import type { Listing } from "../../format/listing.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, stringFlag } from "../../framework/flags.ts";
import { progressMode } from "../../progress/progress-flag.ts";
import { TREE_FLAGS, treeOptions } from "./tree-flags.ts";

export const command = defineCommand({
  summary: "List the files of an image, archive or container",
  description:
    "A path a line, or with --long what ls -l shows, owners as numbers. IMAGE may also be container:NAME\n" +
    "or archive:FILE[:NAME]. With --layer the files of one layer alone, whiteouts (.wh.NAME) as in its tar.",
  operands: { synopsis: "IMAGE [PATH...]", min: 1, completes: "image", completesNext: "none" },
  flags: {
    format: stringFlag(
      "Format output using a Go template:\n" +
        "'table':            A table with column titles\n" +
        "'table TEMPLATE':   A table whose rows the template makes\n" +
        "'json':             One JSON object a line\n" +
        "'TEMPLATE':         The template's result for each file",
    ),
    human: boolFlag("Print sizes in human readable format"),
    layer: stringFlag("List what this layer brings: its number (1 is the bottom) or digest"),
    long: boolFlag("List mode, links, owner, size and time as well", { short: "l" }),
    null: boolFlag("End paths with a NUL byte instead of a line break, and print them as they are", { short: "z" }),
    ...TREE_FLAGS,
    recursive: boolFlag("List what is below directories, too", { short: "R", default: true }),
  },
  examples: [
    { says: "The configuration files, with sizes and owners", line: "gantry image ls-files -l debian /etc" },
    { says: "What the top level holds", line: "gantry image ls-files -R=false debian" },
    { says: "What the third layer brings", line: "gantry image ls-files --layer 3 app:1" },
    {
      says: "The ten largest files",
      line: "gantry image ls-files --format '{{.Size}} {{.Path}}' debian | sort -rn | head",
    },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { listFiles } = await import("../../../engine/image-files.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const [given, ...paths] = operands;
    const store = openStore(context.storeRoot);
    const files = await withProgress(context, progressMode(flags), (reporter) =>
      listFiles(
        store,
        given!,
        {
          ...treeOptions(context, flags),
          paths,
          recursive: flags.recursive,
          ...(flags.layer === "" ? {} : { layer: flags.layer }),
        },
        reporter,
      ),
    );
    if (flags.format !== "") {
      const { renderListing } = await import("../../format/listing.ts");
      context.stdout.write(await renderListing(listing(flags.human), files, { format: flags.format }));
    } else if (flags.long) context.stdout.write(longText(files, flags.human));
    else if (flags.null) {
      const { writeDescriptor } = await import("../../framework/write-descriptor.ts");
      writeDescriptor(context.stdout.fd, Buffer.concat(files.flatMap(({ path }) => [path, Buffer.alloc(1)])));
    } else context.stdout.write(files.map(({ path }) => `${displayBytes(path)}\n`).join(""));
    return 0;
  },
});

/** As `ls -l`, numbers right-aligned. */
function longText(files: readonly ListedFile[], human: boolean): string {
  const rows = files.map((file) => [
    modeOf(file),
    String(file.links),
    String(file.facts?.uid ?? 0),
    String(file.facts?.gid ?? 0),
    file.facts?.device?.join(", ") ?? sizeOf(file, human),
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]!.length), 0),
  );
  return files
    .map((file, n) => {
      const [mode, ...numbers] = rows[n]!;
      const cells = [mode, ...numbers.map((cell, column) => cell.padStart(widths[column + 1]!)), timeOf(file)];
      const target = file.facts?.target === undefined ? "" : ` -> ${file.facts.target}`;
      return `${cells.join(" ")} ${displayBytes(file.path)}${target}\n`;
    })
    .join("");
}

const modeOf = ({ facts }: ListedFile): string =>
  facts === undefined ? "w---------" : fileMode(facts.type, facts.mode);

const sizeOf = ({ facts }: ListedFile, human: boolean): string =>
  human ? humanSize(facts?.size ?? 0) : String(facts?.size ?? 0);

const timeOf = ({ facts }: ListedFile): string =>
  localRfc3339(Math.floor(facts?.mtime ?? 0) * 1000)
    .slice(0, 16)
    .replace("T", " ");

function listing(human: boolean): Listing<ListedFile> {
  return {
    typeName: "file",
    quiet: "Path",
    table: ["Mode", "UID", "GID", "Size", "ModTime", "Path"],
    fields: {
      Device: { title: "DEVICE", value: ({ facts }) => facts?.device?.join(":") ?? "" },
      DiffID: { title: "DIFF ID", value: ({ diffId }) => diffId ?? "" },
      GID: { title: "GID", value: ({ facts }) => facts?.gid ?? 0 },
      Layer: { title: "LAYER", value: ({ layer }) => layer },
      Links: { title: "LINKS", value: ({ links }) => links },
      ModTime: {
        title: "MODIFIED",
        value: ({ facts }) => localRfc3339(Math.floor(facts?.mtime ?? 0) * 1000),
      },
      Mode: { title: "MODE", value: modeOf },
      Path: { title: "PATH", value: ({ path }) => displayBytes(path) },
      Size: {
        title: "SIZE",
        value: ({ facts }) => (human ? humanSize(facts?.size ?? 0) : (facts?.size ?? 0)),
      },
      Target: { title: "TARGET", value: ({ facts }) => facts?.target ?? "" },
      Type: { title: "TYPE", value: ({ facts }) => facts?.type ?? "whiteout" },
      UID: { title: "UID", value: ({ facts }) => facts?.uid ?? 0 },
    },
  };
}
