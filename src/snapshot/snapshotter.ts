import type { Digest } from "../image/types.ts";
import type { Reporter } from "../events/progress.ts";

/**
 * Glossary. A *chain* is the layers of an image, bottom first. A *base* is what a snapshotter makes of a chain: something
 * that can be a read-only overlay lower. A *snapshot* is a base with a container's own upper directory on it. Mounting is
 * not done here: the container's shim mounts the returned plan in its own mount namespace, so that the host's mount table
 * never changes and a crash leaves nothing behind.
 *
 * Every driver gives the same tree; test/suites/snapshotter.ts is run by each of them and compares.
 */
export interface Snapshotter {
  readonly driver: SnapshotDriver;

  /**
   * Makes the chain's base, if it is not there yet, and returns how to mount it. Idempotent, safe in parallel in many
   * processes, durable on return.
   * @throws LAYER_MISSING, LAYER_INDEX_INVALID, EROFS_UNREPRESENTABLE, NO_SPACE, CANCELLED, SYSTEM_CALL_FAILED
   */
  prepare(diffIds: readonly Digest[], reporter: Reporter): Promise<LowerPlan>;
}

export type SnapshotDriver = "erofs" | "erofs-loop" | "unpack";

/** How to mount a base; absolute paths. Read by the shim from `shim.json`. */
export type LowerPlan =
  /**
   * The EROFS file `image`, with one `device` option for each of `devices`, in this order. `loop`: the kernel does not
   * mount files, so image and devices each become a read-only loop device (512-byte blocks, freed when unmounted) first.
   */
  | { type: "erofs"; image: string; devices: string[]; loop?: true }
  | { type: "directory"; path: string }
  /** An image without layers. */
  | { type: "empty" };

/** What the shim mounts at `target` before it calls the OCI runtime: an overlay of `lower` and the container's upper. */
export interface RootfsPlan {
  lower: LowerPlan;
  upper: string;
  work: string;
  target: string;
}
