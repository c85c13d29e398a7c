import type { HistoryRow } from "../../../engine/image-history.ts";
import { humanSize } from "../../format/byte-size.ts";
import { humanDuration } from "../../format/duration.ts";
import { listFormatFlag } from "../../format/format-flag.ts";
import { localRfc3339, unixMs } from "../../format/go-time.ts";
import type { Listing } from "../../format/listing.ts";
import { shortId } from "../../format/short-id.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag } from "../../framework/flags.ts";

const CREATED_BY_COLUMNS = 45;

export const command = defineCommand({
  summary: "Show the history of an image",
  operands: { synopsis: "IMAGE", min: 1, max: 1, completes: "image" },
  flags: {
    format: listFormatFlag,
    human: boolFlag("Print sizes and dates in human readable format", { short: "H", default: true }),
    "no-trunc": boolFlag("Don't truncate output"),
    quiet: boolFlag("Only show image IDs", { short: "q" }),
  },
  examples: [
    { says: "Every step with its whole command", line: "gantry history --no-trunc debian" },
    {
      says: "Which step made how many bytes",
      line: "gantry history -H=false --format '{{.Size}} {{.CreatedBy}}' debian",
    },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { imageHistory } = await import("../../../engine/image-history.ts");
    const { renderListing } = await import("../../format/listing.ts");
    const rows = imageHistory(openStore(context.storeRoot), operands[0]!);
    const listing = historyListing({ noTrunc: flags["no-trunc"], human: flags.human, nowMs: Date.now() });
    context.stdout.write(await renderListing(listing, rows, { format: flags.format, quiet: flags.quiet }));
    return 0;
  },
});

/** The steps as tables, templates and JSON show them; the fields are Docker's. */
export function historyListing(options: { noTrunc: boolean; human: boolean; nowMs: number }): Listing<HistoryRow> {
  const createdSince = ({ created }: HistoryRow): string => {
    const ms = unixMs(created);
    return ms === undefined || ms <= 0 ? "N/A" : `${humanDuration(options.nowMs - ms)} ago`;
  };
  const createdBy = (row: HistoryRow): string => {
    const line = row.createdBy.replaceAll("\t", " ");
    const characters = Array.from(line);
    if (options.noTrunc || characters.length <= CREATED_BY_COLUMNS) return line;
    return `${characters.slice(0, CREATED_BY_COLUMNS - 1).join("")}…`;
  };
  return {
    typeName: "history step",
    quiet: "ID",
    table: ["ID", options.human ? "CreatedSince" : "CreatedAt", "CreatedBy", "Size", "Comment"],
    fields: {
      Comment: { title: "COMMENT", value: ({ comment }) => comment },
      CreatedAt: { title: "CREATED AT", value: ({ created }) => localRfc3339(unixMs(created)) },
      CreatedBy: { title: "CREATED BY", value: createdBy },
      CreatedSince: { title: "CREATED", value: createdSince },
      ID: { title: "IMAGE", value: ({ id }) => (options.noTrunc ? id : shortId(id)) },
      Size: { title: "SIZE", value: ({ sizeBytes }) => (options.human ? humanSize(sizeBytes) : String(sizeBytes)) },
    },
  };
}
