import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cgroupsPathOf } from "./oci-spec.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/**
 * The directories that are a container's cgroup: one of version 2, one of each hierarchy of version 1, both of a hybrid
 * system. Empty for a container that does not run.
 * @param root where cgroup file systems are mounted
 */
export function containerCgroups(id: string, root = CGROUP_ROOT): string[] {
  return hierarchies(root)
    .map((hierarchy) => join(hierarchy, cgroupsPathOf(id)))
    .filter((path) => existsSync(path));
}

/** Mount points of the hierarchies: one for version 2, one a controller besides for version 1. */
function hierarchies(root: string): string[] {
  if (existsSync(join(root, "cgroup.controllers"))) return [root];
  try {
    return readdirSync(root).map((name) => join(root, name));
  } catch {
    return [];
  }
}
