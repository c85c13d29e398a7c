import { hostPlatform } from "./platform.ts";
import { applyChange } from "./instructions/apply-change.ts";
import type { Digest, HistoryEntry, ImageConfig, RunConfig } from "./types.ts";

export interface ChildImageOptions {
  /** How containers of the image run; fields of a container that are not an image's are dropped. */
  runConfig: RunConfig;
  /** Dockerfile instructions applied to `runConfig` in order. */
  changes?: readonly string[];
  author?: string;
  message?: string;
  /** The history's `created_by`. */
  createdBy: string;
  /** RFC 3339. */
  created: string;
  /** All layers of the image, bottom first. */
  diffIds: Digest[];
  /** The step made no layer. */
  emptyLayer: boolean;
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
 * The config of an image made from another by one step more (OCI image-spec, config.md). Deterministic: same input, same
 * bytes when encoded.
 * @throws INSTRUCTION_INVALID
 */
export function childImageConfig(parent: ImageConfig | undefined, options: ChildImageOptions): ImageConfig {
  const changed = (options.changes ?? []).reduce(applyChange, options.runConfig);
  const kept = IMAGE_FIELDS.filter((field) => !isUnset(changed[field])).map(
    (field) => [field, changed[field]] as const,
  );
  const platform = parent ?? hostPlatform();
  const step: HistoryEntry = {
    created: options.created,
    ...(options.author ? { author: options.author } : {}),
    created_by: options.createdBy,
    ...(options.message ? { comment: options.message } : {}),
    ...(options.emptyLayer ? { empty_layer: true } : {}),
  };
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    ...(platform["os.version"] === undefined ? {} : { "os.version": platform["os.version"] }),
    ...(platform["os.features"] === undefined ? {} : { "os.features": platform["os.features"] }),
    created: options.created,
    ...(options.author ? { author: options.author } : {}),
    config: Object.fromEntries(kept),
    rootfs: { type: "layers", diff_ids: options.diffIds },
    history: [...(parent?.history ?? []), step],
  };
}

function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
