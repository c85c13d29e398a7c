import type { ContainerPruneFilter, PrunedContainers } from "../../../engine/prune-containers.ts";
import { humanSize } from "../../format/byte-size.ts";
import { parseMoment } from "../../format/moment.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, type Filter, filterFlag } from "../../framework/flags.ts";
import { requireFilters } from "../filters.ts";

const WARNING = "WARNING! This will remove all stopped containers.";

export const command = defineCommand({
  summary: "Remove all stopped containers",
  operands: { synopsis: "" },
  flags: {
    filter: filterFlag("Only containers that match: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]", { short: "" }),
    force: boolFlag("Do not prompt for confirmation", { short: "f" }),
  },
  examples: [
    { says: "Remove the stopped containers of more than a day ago", line: "gantry container prune --filter until=24h" },
  ],
  async run(context, { flags }) {
    const filter = containerPruneFilter(flags.filter);
    if (!flags.force) {
      const { confirm } = await import("../../framework/confirm.ts");
      if (!confirm(context, WARNING)) return 0;
    }
    const { openStore } = await import("../../../store/open-store.ts");
    const { pruneContainers } = await import("../../../engine/prune-containers.ts");
    const pruned = await pruneContainers(openStore(context.storeRoot), { filter, signal: context.signal });
    const list = prunedContainersText(pruned);
    context.stdout.write(`${list}${list === "" ? "" : "\n"}Total reclaimed space: ${humanSize(pruned.freedBytes)}\n`);
    return 0;
  },
});

/** @throws USAGE for a filter that there is not, or that has a bad value */
export function containerPruneFilter(filters: readonly Filter[]): ContainerPruneFilter {
  const values = requireFilters(filters, ["label", "label!", "until"]);
  const untils = values("until").map((text) => parseMoment(text, Date.now()));
  return {
    labels: values("label"),
    withoutLabels: values("label!"),
    createdBeforeMs: untils.length === 0 ? undefined : Math.min(...untils),
  };
}

/** The list of what went, as `container prune` and `system prune` print it; empty for nothing. */
export function prunedContainersText({ removed }: PrunedContainers): string {
  return removed.length === 0 ? "" : `Deleted Containers:\n${removed.join("\n")}\n`;
}
