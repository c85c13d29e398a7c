import { listFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, filterFlag, intFlag } from "../../framework/flags.ts";

export const command = defineCommand({
  summary: "List containers",
  operands: { synopsis: "" },
  flags: {
    all: boolFlag("Show all containers (default shows just running)", { short: "a" }),
    filter: filterFlag("Filter output based on conditions provided"),
    format: listFormatFlag,
    last: intFlag("Show n last created containers (includes all states)", { short: "n", default: -1 }),
    latest: boolFlag("Show the latest created container (includes all states)", { short: "l" }),
    "no-trunc": boolFlag("Don't truncate output"),
    quiet: boolFlag("Only display container IDs", { short: "q" }),
    size: boolFlag("Display total file sizes", { short: "s" }),
  },
  examples: [
    { says: "All containers, also those that have ended", line: "gantry ps -a" },
    { says: "Remove every container that has ended", line: "gantry rm $(gantry ps -aq -f status=exited)" },
  ],
  async run(context, { flags }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { listContainers } = await import("../../../engine/list-containers.ts");
    const { containerListing } = await import("./container-listing.ts");
    const { filterContainers } = await import("./container-filters.ts");
    const { renderListing } = await import("../../format/listing.ts");
    const store = openStore(context.storeRoot);
    const limit = flags.latest ? 1 : (flags.last ?? -1);
    const byStatus = flags.filter.some(({ name }) => name === "status" || name === "exited");
    let shown = filterContainers(store, listContainers(store), flags.filter);
    if (!flags.all && !byStatus && limit < 0) shown = shown.filter(({ status }) => status.state === "running");
    if (limit >= 0) shown = shown.slice(0, limit);
    const sizes = flags.size || /\.Size\b/.test(flags.format);
    const listing = containerListing(store, { truncate: !flags["no-trunc"], nowMs: Date.now(), sizes });
    context.stdout.write(await renderListing(listing, shown, { format: flags.format, quiet: flags.quiet }));
    return 0;
  },
});
