import type { RunConfig } from "../image/types.ts";

/**
 * Docker's `Config` of an image or a container: every field that Docker always has, in its order and with its zero where
 * the config is silent (an OCI config names only what is set), those that Docker leaves out when empty where they are set,
 * and after them what Docker does not know.
 */
export function inspectedConfig(config: Readonly<Record<string, unknown>> & RunConfig): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, zero] of CONFIG_FIELDS) {
    const value = config[name] ?? zero;
    if (value !== undefined) fields[name] = value;
  }
  return { ...fields, ...Object.fromEntries(Object.entries(config).filter(([name]) => !(name in fields))) };
}

/** Docker's order; `undefined` is left out when empty. */
const CONFIG_FIELDS: readonly [name: string, zero: unknown][] = [
  ["Hostname", ""],
  ["Domainname", ""],
  ["User", ""],
  ["AttachStdin", false],
  ["AttachStdout", false],
  ["AttachStderr", false],
  ["ExposedPorts", undefined],
  ["Tty", false],
  ["OpenStdin", false],
  ["StdinOnce", false],
  ["Env", null],
  ["Cmd", null],
  ["Healthcheck", undefined],
  ["ArgsEscaped", undefined],
  ["Image", ""],
  ["Volumes", null],
  ["WorkingDir", ""],
  ["Entrypoint", null],
  ["NetworkDisabled", undefined],
  ["MacAddress", undefined],
  ["OnBuild", null],
  ["Labels", null],
  ["StopSignal", undefined],
  ["StopTimeout", undefined],
  ["Shell", undefined],
];
