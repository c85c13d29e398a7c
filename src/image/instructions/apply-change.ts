import { posix } from "node:path";
import { GantryError } from "../../errors/index.ts";
import type { RunConfig } from "../types.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { expandVariables, parseJsonList, parsePairs, splitWords, unquote } from "./words.ts";

/**
 * Applies one Dockerfile instruction to a copy of a run config: what `commit -c` and `import -c` take (CMD, ENTRYPOINT,
 * ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR), with variables replaced from the config's
 * own environment where the Dockerfile reference says so.
 * @throws INSTRUCTION_INVALID
 */
export function applyChange(config: RunConfig, instruction: string): RunConfig {
  const match = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(instruction);
  const name = match?.[1]?.toUpperCase() ?? "";
  const raw = match?.[2]?.trim() ?? "";
  const apply = CHANGES[name];
  if (apply === undefined) {
    throw new GantryError(
      "INSTRUCTION_INVALID",
      `cannot apply the change "${instruction}": ${name || "it"} is not a valid change command`,
      {
        remedy: `Use one of ${Object.keys(CHANGES).join(", ")}.`,
      },
    );
  }
  if (raw === "")
    throw new GantryError(
      "INSTRUCTION_INVALID",
      `cannot apply the change "${instruction}": ${name} requires at least one argument`,
    );
  const environment = new Map(
    (config.Env ?? []).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
  const expand = (text: string): string => expandVariables(text, (key) => environment.get(key));
  return apply({ ...config }, raw, expand);
}

type Apply = (config: RunConfig, text: string, expand: (text: string) => string) => RunConfig;

const CHANGES: Readonly<Record<string, Apply>> = {
  CMD: (config, text) => ({ ...config, Cmd: commandOf(config, text) }),
  ENTRYPOINT: (config, text) => ({ ...config, Entrypoint: commandOf(config, text) }),
  ENV: (config, text, expand) => {
    const env = [...(config.Env ?? [])];
    for (const [key, value] of parsePairs("ENV", expand(text))) {
      const at = env.findIndex((pair) => pair.startsWith(`${key}=`));
      env.splice(at < 0 ? env.length : at, at < 0 ? 0 : 1, `${key}=${value}`);
    }
    return { ...config, Env: env };
  },
  EXPOSE: (config, text, expand) => {
    const ports = splitWords(expand(text)).flatMap(portsOf);
    return {
      ...config,
      ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) },
    };
  },
  HEALTHCHECK: (config, text) => ({ ...config, Healthcheck: parseHealthcheck(text) }),
  LABEL: (config, text, expand) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(parsePairs("LABEL", expand(text))) },
  }),
  ONBUILD: (config, text) => {
    const trigger = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase();
    if (trigger === "ONBUILD" || trigger === "FROM" || trigger === "MAINTAINER") {
      throw new GantryError("INSTRUCTION_INVALID", `${trigger} isn't allowed as an ONBUILD trigger`);
    }
    return { ...config, OnBuild: [...(config.OnBuild ?? []), text] };
  },
  STOPSIGNAL: (config, text, expand) => ({ ...config, StopSignal: expand(text) }),
  USER: (config, text, expand) => ({ ...config, User: expand(text) }),
  VOLUME: (config, text, expand) => {
    const paths = parseJsonList(text) ?? splitWords(text).map(unquote);
    return {
      ...config,
      Volumes: { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [expand(path), {}])) },
    };
  },
  WORKDIR: (config, text, expand) => ({
    ...config,
    WorkingDir: posix.resolve("/", config.WorkingDir ?? "", unquote(expand(text))),
  }),
};

/** The exec form as it is; the shell form behind the image's shell. */
function commandOf(config: RunConfig, text: string): string[] {
  return parseJsonList(text) ?? [...(config.Shell ?? ["/bin/sh", "-c"]), text];
}

/** `80`, `80/udp`, `8000-8002/tcp` -> `80/tcp`, ... */
function portsOf(word: string): string[] {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(unquote(word));
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last > 65535 || last < first) {
    throw new GantryError("INSTRUCTION_INVALID", `cannot read EXPOSE: invalid containerPort: ${word}`);
  }
  return Array.from({ length: last - first + 1 }, (_, n) => `${first + n}/${(match[3] ?? "tcp").toLowerCase()}`);
}
