import { GantryError } from "../errors/index.ts";
import { containerIds } from "../store/container-files.ts";
import type { StoreLayout } from "../store/layout.ts";
import { idOfName } from "./container-names.ts";
import { ContainerPaths } from "./container-paths.ts";

const HEXADECIMAL = /^[0-9a-f]{1,64}$/;

/**
 * Finds a container by id, by name, or by a prefix of an id that only one has: in this order, as Docker does.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS
 */
export function findContainer(layout: StoreLayout, given: string): ContainerPaths {
  const name = given.startsWith("/") ? given.slice(1) : given;
  const ids = containerIds(layout);
  if (ids.includes(name)) return new ContainerPaths(layout, name);
  const named = name === "" || name.includes("/") ? undefined : idOfName(layout, name);
  if (named !== undefined && ids.includes(named)) return new ContainerPaths(layout, named);
  const matches = HEXADECIMAL.test(name) ? ids.filter((id) => id.startsWith(name)) : [];
  const [only, ...others] = matches;
  if (only !== undefined && others.length === 0) return new ContainerPaths(layout, only);
  if (only !== undefined) {
    throw new GantryError("CONTAINER_AMBIGUOUS", `Multiple IDs found with provided prefix: ${given}`, {
      remedy: "Give more digits of the id.",
      details: { given, matches },
    });
  }
  throw new GantryError("CONTAINER_NOT_FOUND", `No such container: ${given}`, { details: { given } });
}
