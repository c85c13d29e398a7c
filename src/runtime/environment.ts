/** What PATH is in a container whose image and flags do not say. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EnvironmentInput {
  /** `Config.Env`: the image's with the flags' over it, `NAME=value` each; a `NAME` alone removes a variable. */
  configured: readonly string[];
  hostname: string;
  /** Home directory of the container's user. */
  home: string;
  terminal: boolean;
}

/**
 * The environment of a container's process, in Docker's order: PATH, HOSTNAME, TERM (with a terminal), what was
 * configured, and HOME unless configured. A later value replaces an earlier one in its place.
 */
export function containerEnvironment(input: EnvironmentInput): string[] {
  const base = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${input.hostname}`];
  if (input.terminal) base.push("TERM=xterm");
  const merged = mergeEnvironment(base, input.configured);
  return merged.some((entry) => entry.startsWith("HOME=")) ? merged : [...merged, `HOME=${input.home}`];
}

/** Lays `changes` over `base`: `NAME=value` replaces in place or is added at the end, `NAME` alone removes. */
function mergeEnvironment(base: readonly string[], changes: readonly string[]): string[] {
  const values = new Map<string, string>();
  for (const entry of base) values.set(nameOf(entry), entry);
  for (const entry of changes) {
    if (entry.includes("=")) values.set(nameOf(entry), entry);
    else values.delete(entry);
  }
  return [...values.values()];
}

function nameOf(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}
