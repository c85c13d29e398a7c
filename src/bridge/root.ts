import type { PathLike } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/** What a container's root consists of; absolute paths. */
export interface RootLayers {
  /** The image's tree (LowerPlan of src/snapshot). */
  lower:
    | { type: "erofs"; image: string; devices: readonly string[]; loop?: true }
    | { type: "directory"; path: string }
    | { type: "empty" };
  upper: PathLike;
  work: PathLike;
  /** A directory to mount at meanwhile, in a namespace of its own. */
  target: PathLike;
}

/**
 * Mounts a container's root for this process alone and returns a descriptor (O_PATH) of it, for `openIn` and what takes
 * descriptors. The mount is in no mount table; it goes with the last descriptor into it, however the process ends.
 *
 * @param write whether changes go to `upper`. Then nobody else may have it mounted. Without, `upper` and `work` are not
 *   touched, and the container may start meanwhile.
 * @throws SYSTEM_CALL_FAILED, PERMISSION
 */
export function openRoot({ lower, upper, work, target }: RootLayers, write: boolean): number {
  const kind = lower.type === "empty" ? 0 : lower.type === "directory" ? 1 : lower.loop === true ? 3 : 2;
  const image = lower.type === "erofs" ? lower.image : lower.type === "directory" ? lower.path : "";
  const fields = request()
    .u32("kind", kind)
    .text("image", image)
    .texts("devices", lower.type === "erofs" ? lower.devices : [])
    .text("upper", upper)
    .text("work", work)
    .text("target", target)
    .bool("write", write);
  return call(OPERATION.openRoot, fields).result;
}
