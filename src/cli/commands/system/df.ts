import { listFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag } from "../../framework/flags.ts";

export const command = defineCommand({
  summary: "Show gantry disk usage",
  description:
    "Sizes of images and containers are those of the files in them. What gantry keeps beside them is listed below: blobs as\n" +
    "received (compressed layers, configs, manifests), the indexes of layers, and what mounting them needs, which is made\n" +
    "again at will.",
  operands: { synopsis: "" },
  flags: {
    format: listFormatFlag,
    verbose: boolFlag("Show detailed information on space usage", { short: "v" }),
  },
  examples: [
    { says: "Which image could give back how much", line: "gantry system df -v" },
    { says: "What prune would free", line: "gantry system df --format '{{.Type}}: {{.Reclaimable}}'" },
  ],
  async run(context, { flags }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { systemDiskUsage } = await import("../../../engine/system-disk-usage.ts");
    const store = openStore(context.storeRoot);
    const usage = systemDiskUsage(store);
    if (flags.verbose) {
      const { verboseText } = await import("./df-verbose.ts");
      context.stdout.write(await verboseText(store, usage, flags.format));
      return 0;
    }
    const { renderListing } = await import("../../format/listing.ts");
    const { usageListing, usageRowsOf } = await import("./df-listing.ts");
    context.stdout.write(await renderListing(usageListing, usageRowsOf(usage), { format: flags.format }));
    return 0;
  },
});
