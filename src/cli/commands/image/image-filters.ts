import type { ImageFilter } from "../../../engine/filter-images.ts";
import { GantryError } from "../../../errors/index.ts";
import { parseMoment } from "../../format/moment.ts";
import type { Filter } from "../../framework/flags.ts";
import { requireFilters } from "../filters.ts";

const LIST_FILTERS = ["before", "dangling", "label", "label!", "reference", "since", "until"] as const;
const PRUNE_FILTERS = ["dangling", "label", "label!", "until"] as const;

/**
 * The filters of `images` and `image prune` as the engine takes them.
 * @throws USAGE for a filter that does not exist there, or has a bad value
 */
export function imageFilter(filters: readonly Filter[], command: "list" | "prune"): ImageFilter {
  const values = requireFilters<(typeof LIST_FILTERS)[number]>(
    filters,
    command === "list" ? LIST_FILTERS : PRUNE_FILTERS,
  );
  const untils = values("until").map((text) => parseMoment(text, Date.now()));
  const dangling = new Set(values("dangling").map(parseBool));
  return {
    // Both true and false is no filter.
    dangling: dangling.size === 1 ? dangling.has(true) : undefined,
    labels: values("label"),
    withoutLabels: values("label!"),
    references: values("reference"),
    before: values("before"),
    since: values("since"),
    createdBeforeMs: untils.length === 0 ? undefined : Math.min(...untils),
  };
}

function parseBool(text: string): boolean {
  if (["true", "1", "t"].includes(text.toLowerCase())) return true;
  if (["false", "0", "f"].includes(text.toLowerCase())) return false;
  throw new GantryError("USAGE", `invalid filter 'dangling=${text}'`, {
    remedy: "Use dangling=true or dangling=false.",
  });
}
