import { GantryError } from "../../errors/index.ts";
import type { Filter } from "../framework/flags.ts";
import { nearestWord } from "../framework/nearest-word.ts";

/**
 * Sorts the filters of a command line by their names.
 * @returns the values that were given to a name, in order
 * @throws USAGE for a name that is none of `known`
 */
export function requireFilters<const N extends string>(
  filters: readonly Filter[],
  known: readonly N[],
): (name: N) => string[] {
  for (const { name } of filters) {
    if ((known as readonly string[]).includes(name)) continue;
    const near = nearestWord(name, known);
    throw new GantryError("USAGE", `invalid filter '${name}'`, {
      remedy: near === undefined ? `Use one of ${known.join(", ")}.` : `Did you mean ${near}?`,
    });
  }
  return (wanted) => filters.filter(({ name }) => name === wanted).map(({ value }) => value);
}
