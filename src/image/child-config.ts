import { hostPlatform } from "./platform.ts";
import type { Digest, HistoryEntry, ImageConfig, Platform, RunConfig } from "./types.ts";

export interface ChildImageOptions {
  /** How containers of the image run; fields of a container that are not an image's are dropped. */
  runConfig: RunConfig;
  author?: string;
  /** Of the step, in the history; of an image without a parent also in its config. */
  comment?: string;
  /** The history's `created_by`. */
  createdBy?: string;
  /** RFC 3339. */
  created: string;
  /** All layers of the image, bottom first. */
  diffIds: Digest[];
  /** The step made no layer. */
  emptyLayer?: boolean;
  /** The parent's where there is one, else the host's. */
  platform?: Platform;
}

/** The fields of RunConfig that an image keeps, in the order in which they are written. */
const IMAGE_FIELDS = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Healthcheck",
  "ArgsEscaped",
  "Volumes",
  "WorkingDir",
  "OnBuild",
  "Labels",
  "StopSignal",
  "StopTimeout",
  "Shell",
] as const satisfies readonly (keyof RunConfig)[];

/**
 * The config of an image made from another, or from nothing, by one step more (OCI image-spec, config.md). Deterministic:
 * same input, same bytes when encoded. What Docker before 26 wrote beside it and nobody needs to run the image is not in
 * it, for it differs each time: the container's id and host name, and the engine's version.
 */
export function childImageConfig(parent: ImageConfig | undefined, options: ChildImageOptions): ImageConfig {
  const { runConfig } = options;
  const kept = IMAGE_FIELDS.filter((field) => !isUnset(runConfig[field])).map(
    (field) => [field, inOrder(runConfig[field])] as const,
  );
  const platform = options.platform ?? parent ?? hostPlatform();
  const step: HistoryEntry = {
    created: options.created,
    ...(options.author ? { author: options.author } : {}),
    ...(options.createdBy ? { created_by: options.createdBy } : {}),
    ...(options.comment ? { comment: options.comment } : {}),
    ...(options.emptyLayer === true ? { empty_layer: true } : {}),
  };
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    ...(platform["os.version"] === undefined ? {} : { "os.version": platform["os.version"] }),
    ...(platform["os.features"] === undefined ? {} : { "os.features": platform["os.features"] }),
    created: options.created,
    ...(options.author ? { author: options.author } : {}),
    ...(parent === undefined && options.comment ? { comment: options.comment } : {}),
    config: Object.fromEntries(kept),
    rootfs: { type: "layers", diff_ids: options.diffIds },
    history: [...(parent?.history ?? []), step],
  };
}

/** Maps by key, as Go writes them: in which order a port, a label or a volume was given must not matter. */
function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
