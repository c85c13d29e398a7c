import type { PrunedImages } from "../../../engine/prune-images.ts";
import { humanSize } from "../../format/byte-size.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, filterFlag } from "../../framework/flags.ts";

const WARNINGS = {
  dangling: "WARNING! This will remove all dangling images.",
  all: "WARNING! This will remove all images without at least one container associated to them.",
};

export const command = defineCommand({
  summary: "Remove unused images",
  description:
    "Removes dangling images: those that have lost their name, because another image was loaded or tagged under it. With\n" +
    "--all every image that no container was made from goes. Layers that anything else needs stay.",
  operands: { synopsis: "" },
  flags: {
    all: boolFlag("Remove all unused images, not just dangling ones", { short: "a" }),
    filter: filterFlag("Only images that match: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]", { short: "" }),
    force: boolFlag("Do not prompt for confirmation", { short: "f" }),
  },
  examples: [
    { says: "Remove the images that have lost their name", line: "gantry image prune" },
    { says: "Remove what is older than a week and unused", line: "gantry image prune --all --filter until=168h" },
  ],
  async run(context, { flags }) {
    const { imageFilter } = await import("./image-filters.ts");
    const filter = imageFilter(flags.filter, "prune");
    const all = flags.all || filter.dangling === false;
    if (!flags.force) {
      const { confirm } = await import("../../framework/confirm.ts");
      if (!confirm(context, all ? WARNINGS.all : WARNINGS.dangling)) return 0;
    }
    const { openStore } = await import("../../../store/open-store.ts");
    const { pruneImages } = await import("../../../engine/prune-images.ts");
    const pruned = await pruneImages(openStore(context.storeRoot), { all, filter, signal: context.signal });
    const list = prunedImagesText(pruned);
    context.stdout.write(`${list}${list === "" ? "" : "\n"}Total reclaimed space: ${humanSize(pruned.freedBytes)}\n`);
    return 0;
  },
});

/** The list of what went, as `image prune` and `system prune` print it; empty for nothing. */
export function prunedImagesText({ removed }: PrunedImages): string {
  if (removed.length === 0) return "";
  const lines = removed.map((item) => ("untagged" in item ? `untagged: ${item.untagged}` : `deleted: ${item.deleted}`));
  return `Deleted Images:\n${lines.join("\n")}\n`;
}
