import { GantryError } from "../../errors/index.ts";
import type { RunConfig } from "../types.ts";
import { parseJsonList } from "./words.ts";

const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/**
 * A duration as Go writes it (`1m30s`, `500ms`), in nanoseconds.
 * @throws INSTRUCTION_INVALID
 */
function parseGoDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((p) => p[0]).join("") !== text) {
    throw new GantryError("INSTRUCTION_INVALID", `"${text}" is not a duration`, {
      remedy: "Write it like 30s, 1m30s or 500ms.",
    });
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS_NS[unit!]!, 0);
}

/**
 * `HEALTHCHECK [--interval=D] [--timeout=D] [--start-period=D] [--retries=N] CMD ...` or `HEALTHCHECK NONE`.
 * @throws INSTRUCTION_INVALID
 */
export function parseHealthcheck(text: string): NonNullable<RunConfig["Healthcheck"]> {
  const check: NonNullable<RunConfig["Healthcheck"]> = {};
  let rest = text.trim();
  for (let flag = /^--([\w-]+)=(\S+)\s*/.exec(rest); flag !== null; flag = /^--([\w-]+)=(\S+)\s*/.exec(rest)) {
    const [whole, name, value] = flag as unknown as [string, string, string];
    rest = rest.slice(whole.length);
    if (name === "interval") check.Interval = parseGoDuration(value);
    else if (name === "timeout") check.Timeout = parseGoDuration(value);
    else if (name === "start-period") check.StartPeriod = parseGoDuration(value);
    else if (name === "retries" && /^\d+$/.test(value)) check.Retries = Number(value);
    else
      throw new GantryError(
        "INSTRUCTION_INVALID",
        `cannot read HEALTHCHECK: unknown or malformed flag "--${name}=${value}"`,
      );
  }
  const [, kind = "", command = ""] = /^(\S*)\s*(.*)$/s.exec(rest)!;
  if (kind.toUpperCase() === "NONE" && command === "") return { ...check, Test: ["NONE"] };
  if (kind.toUpperCase() !== "CMD" || command === "") {
    throw new GantryError(
      "INSTRUCTION_INVALID",
      `cannot read HEALTHCHECK: "${rest}" is neither CMD with a command nor NONE`,
    );
  }
  const list = parseJsonList(command);
  return { ...check, Test: list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list] };
}
