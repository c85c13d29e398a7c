import { isGantryError } from "../errors/index.ts";
import { ContainerPaths } from "../runtime/container-paths.ts";
import { writableBytes } from "../runtime/container-size.ts";
import { recordEvent } from "../store/event-log.ts";
import type { Store } from "../store/store.ts";
import { hasLabel } from "./filter-images.ts";
import { type ListedContainer, listContainers } from "./list-containers.ts";
import { removeContainer } from "./remove-container.ts";

export interface ContainerPruneFilter {
  /** `KEY` or `KEY=VALUE`: all of them. */
  labels?: readonly string[];
  /** None of these. */
  withoutLabels?: readonly string[];
  /** Created before this time, milliseconds since 1970. */
  createdBeforeMs?: number | undefined;
}

export interface PrunedContainers {
  /** Ids, in the order in which they went. */
  removed: string[];
  /** The size of the containers' own files. */
  freedBytes: number;
}

/** Removes every container that is not running and passes the filter. One that is started meanwhile stays. */
export async function pruneContainers(
  store: Store,
  options: { filter?: ContainerPruneFilter; signal?: AbortSignal },
): Promise<PrunedContainers> {
  const pruned: PrunedContainers = { removed: [], freedBytes: 0 };
  for (const container of listContainers(store)) {
    if (options.signal?.aborted === true) break;
    if (container.status.state === "running" || !passes(container, options.filter ?? {})) continue;
    const { id } = container.record;
    const bytes = writableBytes(new ContainerPaths(store.layout, id));
    try {
      await removeContainer(store, id);
    } catch (error) {
      if (isGantryError(error, "CONTAINER_RUNNING") || isGantryError(error, "CONTAINER_NOT_FOUND")) continue;
      throw error;
    }
    pruned.removed.push(id);
    pruned.freedBytes += bytes;
  }
  recordEvent(store.layout, {
    type: "container",
    action: "prune",
    id: "",
    attributes: { reclaimed: String(pruned.freedBytes) },
  });
  return pruned;
}

function passes({ record }: ListedContainer, filter: ContainerPruneFilter): boolean {
  const labels = record.config.Labels ?? {};
  const { labels: wanted = [], withoutLabels = [], createdBeforeMs } = filter;
  if (createdBeforeMs !== undefined && Date.parse(record.created) >= createdBeforeMs) return false;
  return wanted.every((label) => hasLabel(labels, label)) && !withoutLabels.some((label) => hasLabel(labels, label));
}
