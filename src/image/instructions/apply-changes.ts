import { posix } from "node:path";
import { GantryError, isGantryError } from "../../errors/index.ts";
import type { RunConfig } from "../types.ts";
import { expandWord } from "./expand-word.ts";
import { exposedPorts } from "./exposed-ports.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { badInstruction, type Instruction, parseInstructions } from "./instruction-lines.ts";
import { parseJsonList, parsePairs, splitWords } from "./words.ts";

/**
 * Applies Dockerfile instructions to a copy of a run config: what `commit -c` and `import -c` take, one or several a text.
 * As with Docker an ENTRYPOINT without a CMD before it resets the command, and a health check inherits what it does not
 * say. Otherwise than with Docker, which ignores them, `ENTRYPOINT []` and `CMD []` take away what there was.
 * @throws INSTRUCTION_INVALID
 */
export function applyChanges(before: RunConfig, changes: readonly string[]): RunConfig {
  if (changes.length === 0) return before;
  const instructions = parseInstructions(changes.join("\n"));
  if (instructions.length === 0) throw badInstruction("file with no instructions");
  for (const { name } of instructions) {
    if (CHANGES[name] === undefined) {
      throw badInstruction(
        `${name.toLowerCase()} is not a valid change command`,
        `Use one of ${Object.keys(CHANGES).join(", ")}.`,
      );
    }
  }
  let config: RunConfig = { ...before };
  let commandSet = false;
  for (const instruction of instructions) {
    config = applyOne(config, instruction);
    if (instruction.name === "CMD") commandSet = true;
    if (instruction.name === "ENTRYPOINT" && !commandSet && config.Entrypoint?.length !== 0) config.Cmd = null;
  }
  if (config.User === "" && before.User !== undefined) config.User = before.User;
  if (config.Healthcheck !== undefined) config.Healthcheck = { ...before.Healthcheck, ...config.Healthcheck };
  return config;
}

function applyOne(config: RunConfig, instruction: Instruction): RunConfig {
  const { name, flags, text } = instruction;
  const environment = new Map(
    (config.Env ?? []).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
  try {
    if (name !== "HEALTHCHECK" && flags[0] !== undefined) {
      throw badInstruction(`Unknown flag: ${flags[0].slice(2).replace(/=.*/s, "")}`);
    }
    const wanted = ARGUMENTS[name];
    if (text === "" && wanted !== undefined) throw badInstruction(`${name} requires ${wanted} argument`);
    const expand = (word: string): string => expandWord(word, (key) => environment.get(key));
    return { ...config, ...(CHANGES[name] as Change)(config, instruction, expand) };
  } catch (error) {
    if (!isGantryError(error)) throw error;
    const remedy = error.remedy === undefined ? {} : { remedy: error.remedy };
    const whole = [name, ...flags, text].join(" ").trim();
    throw new GantryError(error.code, `cannot apply the change "${whole}": ${error.message}`, {
      ...remedy,
      cause: error,
    });
  }
}

/** The fields that an instruction sets. */
type Change = (config: RunConfig, instruction: Instruction, expand: (word: string) => string) => RunConfig;

const CHANGES: Readonly<Record<string, Change>> = {
  CMD: (config, { text }) => ({ Cmd: commandOf(config, text) }),
  ENTRYPOINT: (config, { text }) => ({ Entrypoint: text === "" ? [] : commandOf(config, text) }),
  ENV: (config, { text }, expand) => {
    const env = [...(config.Env ?? [])];
    for (const [key, value] of parsePairs("ENV", text).map((pair) => pair.map(expand))) {
      const at = env.findIndex((pair) => pair.startsWith(`${key}=`));
      env.splice(at < 0 ? env.length : at, at < 0 ? 0 : 1, `${key}=${value}`);
    }
    return { Env: env };
  },
  EXPOSE: (config, { text }, expand) => {
    const words = splitWords(text).flatMap((word) => expand(word).split(/\s+/).filter(Boolean));
    return { ExposedPorts: { ...config.ExposedPorts, ...emptySet(words.flatMap(exposedPorts)) } };
  },
  HEALTHCHECK: (_config, { flags, text }) => ({ Healthcheck: parseHealthcheck(flags, text) }),
  LABEL: (config, { text }, expand) => {
    const pairs = parsePairs("LABEL", text).map((pair) => pair.map(expand) as [string, string]);
    return { Labels: { ...config.Labels, ...Object.fromEntries(pairs) } };
  },
  ONBUILD: (config, { text }) => {
    const trigger = /^\S*/.exec(text)?.[0].toUpperCase();
    if (trigger === "ONBUILD") throw badInstruction("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (trigger === "FROM" || trigger === "MAINTAINER") {
      throw badInstruction(`${trigger} isn't allowed as an ONBUILD trigger`);
    }
    return { OnBuild: [...(config.OnBuild ?? []), text] };
  },
  STOPSIGNAL: (_config, { text }, expand) => ({ StopSignal: stopSignal(expand(text)) }),
  USER: (_config, { text }, expand) => ({ User: expand(text) }),
  VOLUME: (config, { text }, expand) => {
    const list = parseJsonList(text) ?? text.split(/\s+/);
    if (list.length === 0) throw badInstruction("VOLUME requires at least one argument");
    const paths = list.map((path) => expand(path).trim());
    if (paths.includes("")) throw badInstruction("VOLUME specified can not be an empty string");
    return { Volumes: { ...config.Volumes, ...emptySet(paths) } };
  },
  WORKDIR: (config, { text }, expand) => {
    const path = expand(text);
    if (path === "") throw badInstruction("cannot normalize nothing");
    return { WorkingDir: path.startsWith("/") ? path : posix.join("/", config.WorkingDir ?? "", path) };
  },
};

/** How many arguments an instruction wants that takes none for a mistake. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  ENV: "at least one",
  EXPOSE: "at least one",
  HEALTHCHECK: "at least one",
  LABEL: "at least one",
  ONBUILD: "at least one",
  STOPSIGNAL: "exactly one",
  USER: "exactly one",
  VOLUME: "at least one",
  WORKDIR: "exactly one",
};

/** The exec form as it is; the shell form behind the image's shell. */
function commandOf(config: RunConfig, text: string): string[] {
  const words = text === "" ? [] : [text];
  return parseJsonList(text) ?? [...(config.Shell ?? ["/bin/sh", "-c"]), ...words];
}

function emptySet(keys: readonly string[]): Record<string, object> {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

/** A number, or a name with or without SIG: whether the container's system has it, stopping it will tell. */
function stopSignal(text: string): string {
  if (/^(?:[1-9]|[1-5]\d|6[0-4]|(?:SIG)?[A-Z][A-Z0-9]*(?:[+-]\d+)?)$/i.test(text)) return text;
  throw badInstruction(`invalid signal: ${text}`, "Give a signal's name, such as SIGTERM, or its number.");
}
