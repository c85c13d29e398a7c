import type { ImageConfig, RunConfig } from "./types.ts";

/** One setting that two configs do not share. */
export interface ConfigChange {
  kind: "added" | "changed" | "deleted";
  /** The config's field: `Env`, `Cmd`, `Architecture` ... */
  field: string;
  /** Of fields that are a set of named settings: the variable, label, port or volume. */
  key?: string;
  /** The setting in the first config; undefined: it was added. A text, or the JSON of what is no text. */
  from?: string;
  to?: string;
}

/** Fields of the whole config that say what an image is; the rest is how it came about. */
const IMAGE_FIELDS = {
  architecture: "Architecture",
  os: "Os",
  variant: "Variant",
  author: "Author",
} as const;

/** Fields that are one value each. */
const VALUES = [
  "User",
  "WorkingDir",
  "Entrypoint",
  "Cmd",
  "Shell",
  "StopSignal",
  "StopTimeout",
  "Healthcheck",
  "OnBuild",
  "ArgsEscaped",
] as const satisfies readonly (keyof RunConfig)[];

/**
 * What differs between two configs, sorted by field and key. Of a container's config only `config` is there: fields that
 * one side cannot have are not compared. Unset, empty and null are the same.
 */
export function diffConfigs(a: Partial<ImageConfig>, b: Partial<ImageConfig>): ConfigChange[] {
  const changes: ConfigChange[] = [];
  const compare = (field: string, from: string | undefined, to: string | undefined, key?: string): void => {
    if (from === to) return;
    changes.push({
      kind: from === undefined ? "added" : to === undefined ? "deleted" : "changed",
      field,
      ...(key === undefined ? {} : { key }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });
  };
  if (a.rootfs !== undefined && b.rootfs !== undefined) {
    for (const [name, field] of Object.entries(IMAGE_FIELDS)) compare(field, textOf(a[name]), textOf(b[name]));
  }
  const left = a.config ?? {};
  const right = b.config ?? {};
  for (const field of VALUES) compare(field, textOf(left[field]), textOf(right[field]));
  for (const [field, settings] of Object.entries(SETTINGS)) {
    const from = settings(left);
    const to = settings(right);
    for (const key of new Set([...from.keys(), ...to.keys()])) compare(field, from.get(key), to.get(key), key);
  }
  return changes.sort((x, y) => order(x.field, y.field) || order(x.key ?? "", y.key ?? ""));
}

/** Fields that are named settings, as maps from the name. */
const SETTINGS: Record<string, (config: RunConfig) => Map<string, string>> = {
  Env: ({ Env }) =>
    new Map(
      list(Env).map((line): [string, string] => {
        const equals = line.indexOf("=");
        return equals < 0 ? [line, ""] : [line.slice(0, equals), line.slice(equals + 1)];
      }),
    ),
  Labels: ({ Labels }) => new Map(Object.entries(object(Labels)).map(([key, value]) => [key, textOf(value) ?? ""])),
  ExposedPorts: ({ ExposedPorts }) => new Map(Object.keys(object(ExposedPorts)).map((port) => [port, ""])),
  Volumes: ({ Volumes }) => new Map(Object.keys(object(Volumes)).map((path) => [path, ""])),
};

/** Configs are anybody's JSON: what is no list of texts has none. */
function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "" || value === false) return undefined;
  if (typeof value === "object" && Object.keys(value).length === 0) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
