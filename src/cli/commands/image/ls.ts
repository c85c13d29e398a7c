import type { Image } from "../../../image/types.ts";
import { listFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, filterFlag } from "../../framework/flags.ts";
import { UsageError } from "../../framework/usage-errors.ts";
import type { ImageRow } from "./image-listing.ts";

export const command = defineCommand({
  summary: "List images",
  operands: { synopsis: "[REPOSITORY[:TAG]]", max: 1, completes: "image" },
  flags: {
    all: boolFlag("Show all platforms of multi-platform images", { short: "a" }),
    digests: boolFlag("Show digests"),
    filter: filterFlag(
      "Show only images that match: dangling=true, label=KEY[=VALUE], reference=PATTERN, before=IMAGE, since=IMAGE, until=TIME",
    ),
    format: listFormatFlag,
    "no-trunc": boolFlag("Don't truncate output"),
    quiet: boolFlag("Only show image IDs", { short: "q" }),
    tree: boolFlag("List multi-platform images as a tree"),
  },
  examples: [
    { says: "Images of one repository", line: "gantry images debian" },
    { says: "Images that have lost their name", line: "gantry images --filter dangling=true" },
    {
      says: "Names and sizes in two columns",
      line: "gantry images --format 'table {{.Repository}}:{{.Tag}}\\t{{.Size}}'",
    },
  ],
  async run(context, { flags, operands }) {
    const excluded = flags.tree && [flags.quiet && "--quiet", flags.format !== "" && "--format"].find(Boolean);
    if (excluded) throw new UsageError(`${excluded} is not supported with --tree`, 1);
    const { openStore } = await import("../../../store/open-store.ts");
    const { listImages } = await import("../../../engine/list-images.ts");
    const { renderListing } = await import("../../format/listing.ts");
    const { imageListing } = await import("./image-listing.ts");
    const store = openStore(context.storeRoot);
    const filters = [...flags.filter, ...operands.map((value) => ({ name: "reference", value }))];
    const images = listImages(store, { all: flags.all });
    let selected: readonly { image: Image; names: readonly string[] }[] = images.map((image) => ({
      image,
      names: image.names,
    }));
    if (filters.length > 0) {
      const { imageFilter } = await import("./image-filters.ts");
      const { filterImages } = await import("../../../engine/filter-images.ts");
      const { imageSummaries } = await import("../../../store/image-summaries.ts");
      const summaries = filters.some(({ name }) => name.startsWith("label")) ? imageSummaries(store) : undefined;
      const labelsOf = summaries === undefined ? undefined : (image: Image) => summaries.of(image).labels;
      selected = filterImages(images, imageFilter(filters, "list"), store, labelsOf);
      summaries?.save();
    }
    if (flags.tree) {
      const { imageTree } = await import("./image-tree.ts");
      context.stdout.write(imageTree(store, selected, flags["no-trunc"]));
      return 0;
    }
    const { familiarParts } = await import("../../../image/reference.ts");
    const { nameDigest } = await import("../../../image/received-index.ts");
    const rows = selected.flatMap(({ image, names }) => imageRows(image, names, { familiarParts, nameDigest }));
    const listing = imageListing({ noTrunc: flags["no-trunc"], digests: flags.digests, nowMs: Date.now() });
    context.stdout.write(await renderListing(listing, rows, { format: flags.format, quiet: flags.quiet }));
    return 0;
  },
});

/** One row a name; `<none>` for an image without. */
function imageRows(
  image: Image,
  names: readonly string[],
  of: {
    familiarParts: (name: string) => { repository: string; tag: string };
    nameDigest: (image: Image, name: string) => string;
  },
): ImageRow[] {
  if (names.length === 0) return [{ image, repository: "<none>", tag: "<none>", digest: "<none>" }];
  return names.map((name) => ({ image, ...of.familiarParts(name), digest: of.nameDigest(image, name) }));
}
