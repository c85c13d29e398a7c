import { humanSize } from "../../format/byte-size.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, filterFlag } from "../../framework/flags.ts";

export const command = defineCommand({
  summary: "Remove unused data",
  description:
    "Removes stopped containers, then the images that no container is left to use: dangling ones, or with --all every one.",
  operands: { synopsis: "" },
  flags: {
    all: boolFlag("Remove all unused images not just dangling ones", { short: "a" }),
    filter: filterFlag("Only what matches: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]", { short: "" }),
    force: boolFlag("Do not prompt for confirmation", { short: "f" }),
    volumes: boolFlag("Prune anonymous volumes"),
  },
  examples: [
    { says: "Remove stopped containers and nameless images", line: "gantry system prune" },
    { says: "Remove all that is not in use, without being asked", line: "gantry system prune --all --force" },
  ],
  async run(context, { flags }) {
    const { containerPruneFilter, prunedContainersText } = await import("../container/prune.ts");
    const { prunedImagesText } = await import("../image/prune.ts");
    if (flags.volumes && flags.filter.some(({ name }) => name === "until")) {
      const { UsageError } = await import("../../framework/usage-errors.ts");
      throw new UsageError('ERROR: The "until" filter is not supported with "--volumes"', 1);
    }
    const filter = containerPruneFilter(flags.filter);
    if (!flags.force) {
      const { confirm } = await import("../../framework/confirm.ts");
      if (!confirm(context, warning(flags))) return 0;
    }
    const { openStore } = await import("../../../store/open-store.ts");
    const { pruneContainers } = await import("../../../engine/prune-containers.ts");
    const { pruneImages } = await import("../../../engine/prune-images.ts");
    const store = openStore(context.storeRoot);
    const { signal } = context;
    const containers = await pruneContainers(store, { filter, signal });
    tell(prunedContainersText(containers));
    const images = await pruneImages(store, { all: flags.all, filter, signal });
    tell(prunedImagesText(images));
    context.stdout.write(`Total reclaimed space: ${humanSize(containers.freedBytes + images.freedBytes)}\n`);
    return 0;

    function tell(list: string): void {
      if (list !== "") context.stdout.write(`${list}\n`);
    }
  },
});

function warning({
  all,
  volumes,
  filter,
}: {
  all: boolean;
  volumes: boolean;
  filter: readonly { name: string; value: string }[];
}): string {
  const items = [
    "all stopped containers",
    ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated to them" : "all dangling images",
  ];
  const list = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join("");
  const filters = filter.map(({ name, value }) => `${name}=${value}`);
  return (
    `WARNING! This will remove:\n${list(items)}` +
    (filters.length === 0 ? "" : `\n  Items to be pruned will be filtered with:\n${list(filters)}`)
  );
}
