import { isGantryError } from "../errors/index.ts";
import { ContainerPaths } from "../runtime/container-paths.ts";
import { type ContainerRecord, readContainerRecord } from "../runtime/container-record.ts";
import { type ContainerStatus, readContainerStatus } from "../runtime/container-status.ts";
import { containerIds } from "../store/container-files.ts";
import type { Store } from "../store/store.ts";

/** A container and how it is. */
export interface ListedContainer {
  record: ContainerRecord;
  status: ContainerStatus;
}

/** Every container of the store, newest first. One that is removed meanwhile is left out, and so is one whose record is unreadable. */
export function listContainers(store: Store): ListedContainer[] {
  const found: ListedContainer[] = [];
  for (const id of containerIds(store.layout)) {
    const paths = new ContainerPaths(store.layout, id);
    try {
      found.push({ record: readContainerRecord(paths), status: readContainerStatus(paths) });
    } catch (error) {
      if (!isGantryError(error, "CONTAINER_NOT_FOUND") && !isGantryError(error, "CONTAINER_RECORD_INVALID"))
        throw error;
    }
  }
  return found.sort((a, b) => (a.record.created < b.record.created ? 1 : -1));
}
