import type { RunConfig } from "../types.ts";
import { badInstruction } from "./instruction-lines.ts";
import { parseJsonList } from "./words.ts";

type Healthcheck = NonNullable<RunConfig["Healthcheck"]>;

const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const MIN_NS = 1e6;

/** Which field each flag sets. */
const DURATIONS = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const satisfies Record<string, keyof Healthcheck>;

/**
 * `HEALTHCHECK [--interval=D] [--timeout=D] [--start-period=D] [--start-interval=D] [--retries=N] CMD ...` or
 * `HEALTHCHECK NONE`; durations in nanoseconds.
 * @throws INSTRUCTION_INVALID
 */
export function parseHealthcheck(flags: readonly string[], text: string): Healthcheck {
  const [, kind = "", command = ""] = /^(\S*)\s*(.*)$/s.exec(text) as RegExpExecArray;
  const type = kind.toUpperCase();
  if (type === "NONE") {
    if (command !== "") throw badInstruction("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  const check = flagsOf(flags);
  if (type !== "CMD") throw badInstruction(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  const list = parseJsonList(command);
  if (command === "" || list?.length === 0) throw badInstruction("Missing command after HEALTHCHECK CMD");
  return { Test: list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list], ...check };
}

function flagsOf(flags: readonly string[]): Healthcheck {
  const check: Healthcheck = {};
  for (const flag of flags) {
    const [, name = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(flag) as RegExpExecArray;
    if (name !== "retries" && !Object.hasOwn(DURATIONS, name)) throw badInstruction(`Unknown flag: ${name}`);
    if (value === undefined) throw badInstruction(`Missing a value on flag: ${name}`);
    if (name === "retries") check.Retries = retries(value);
    else check[DURATIONS[name as keyof typeof DURATIONS]] = duration(name, value);
  }
  return check;
}

function retries(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw badInstruction(`--retries: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) < 1) throw badInstruction(`--retries must be at least 1 (not ${Number(text)})`);
  return Number(text);
}

/** A duration as Go writes it: `1m30s`, `500ms`, `1.5h`. */
function duration(flag: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw badInstruction(`time: invalid duration ${JSON.stringify(text)}`, "Write it like 30s, 1m30s or 500ms.");
  }
  const sum = parts.reduce((ns, [, number, unit]) => ns + Number(number) * (UNITS_NS[unit as string] as number), 0);
  if (sum < MIN_NS) throw badInstruction(`Interval ${JSON.stringify(flag)} cannot be less than 1ms`);
  return Math.round(sum);
}
