import { appendFileSync } from "node:fs";
import { GantryError } from "../errors/index.ts";

/**
 * Every step of a write at which tests make gantry die or fail. `a.b` passes just before the step of that name; the steps
 * of one operation are listed in their order.
 */
export const FAULT_POINTS = [
  "store.directories",
  "store.version",
  "scratch.make",
  "scratch.remove",
  "leftover.recover",
  "leftover.remove",
  "publish.prepare",
  "publish.sync",
  "intent.write",
  "intent.sync",
  "publish.move",
  "publish.settle",
  "publish.end",
  "records.write",
  "records.rename",
  "records.settle",
  "records.backup",
  "collect.chain",
  "collect.layer",
  "collect.blob",
  "chain.sync",
  "chain.move",
  "chain.settle",
  "container.claim",
  "container.record",
  "container.move",
  "container.settle",
  "container.aside",
  "container.release",
  "container.remove",
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];

const ERRNO = { EACCES: 13, EDQUOT: 122, EIO: 5, ENOSPC: 28, EROFS: 30 } as const;

/** What a rule does: end the process, stop it until SIGCONT, let the step fail. */
type Action = "kill" | "stop" | keyof typeof ERRNO;

interface Rule {
  point: string;
  /** Which passage, from 1; undefined: every. */
  passage: number | undefined;
  action: Action;
}

/**
 * For tests: lets the process die, stop or fail at a step. Costs a comparison where GANTRY_FAULT is unset.
 *
 * GANTRY_FAULT is a list of rules, separated by commas: `publish.move:2=kill` ends the process with SIGKILL at the second
 * passage of that point, `records.write=ENOSPC` lets the first one fail with that error number, `intent.sync:*=EIO` every
 * one; `stop` stops the process with SIGSTOP. `log=FILE` appends the name of each point that is passed to a file.
 *
 * @throws what node:fs throws for the error number of a rule
 */
export function faultPoint(name: FaultPoint): void {
  if (selected !== undefined) pass(name, selected);
}

const selected = process.env["GANTRY_FAULT"];

let plan: { rules: Rule[]; log: string | undefined } | undefined;
const passages = new Map<string, number>();

function pass(name: FaultPoint, text: string): void {
  plan ??= parseFaults(text);
  const passage = (passages.get(name) ?? 0) + 1;
  passages.set(name, passage);
  if (plan.log !== undefined) appendFileSync(plan.log, `${name}\n`);
  for (const rule of plan.rules) {
    if (rule.point === name && (rule.passage ?? passage) === passage) act(rule.action, name);
  }
}

function act(action: Action, name: FaultPoint): void {
  if (action === "kill") process.kill(process.pid, "SIGKILL");
  else if (action === "stop") process.kill(process.pid, "SIGSTOP");
  else {
    const error = new Error(`${action}: injected at ${name}`);
    throw Object.assign(error, { code: action, errno: -ERRNO[action], syscall: name });
  }
}

/** @throws USAGE for a rule that is none: a test that injects nothing would pass. */
export function parseFaults(text: string): { rules: Rule[]; log: string | undefined } {
  const rules: Rule[] = [];
  let log: string | undefined;
  for (const part of text.split(",").filter((rule) => rule !== "")) {
    const [, point = "", passage, action = ""] = /^([a-z.]+)(?::(\d+|\*))?=(.+)$/.exec(part) ?? [];
    if (point === "log") {
      log = action;
      continue;
    }
    const known = (FAULT_POINTS as readonly string[]).includes(point);
    if (!known || (action !== "kill" && action !== "stop" && !(action in ERRNO))) {
      throw new GantryError("USAGE", `GANTRY_FAULT has a rule that is none: ${JSON.stringify(part)}`);
    }
    rules.push({
      point,
      passage: passage === "*" ? undefined : Number(passage ?? 1),
      action: action as Action,
    });
  }
  return { rules, log };
}
