import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NOUNS } from "../../../src/cli/commands/index.ts";
import type { CommandEntry } from "../../../src/cli/framework/command.ts";
import { findCommand } from "../../../src/cli/framework/find-command.ts";
import { parseArguments } from "../../../src/cli/framework/parse-arguments.ts";
import { checkOperandCount } from "../../../src/cli/framework/usage-errors.ts";

const COMMANDS = join(import.meta.dirname, "../../../src/cli/commands");
const entries = NOUNS.flatMap((noun) => noun.entries);
const verbs = await Promise.all(
  entries.map(async (entry) => ({ name: entry.names[0], entry, command: (await entry.load()).command })),
);

it("no name belongs to two verbs", () => {
  const names = entries.flatMap((entry) => entry.names);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

it("every verb is a file of at most 150 lines", () => {
  for (const noun of NOUNS) {
    for (const file of readdirSync(join(COMMANDS, noun.name))) {
      const text = readFileSync(join(COMMANDS, noun.name, file), "utf8");
      if (text.includes("defineCommand(")) expect(text.split("\n").length, file).toBeLessThanOrEqual(151);
    }
  }
});

describe.each(verbs)("$name", ({ command, entry }) => {
  it("has a summary of one line without a full stop, and an example where it takes anything", () => {
    expect(command.summary).toMatch(/^[A-Z][^\n]*[^.\n]$/);
    if (command.operands.synopsis !== "") expect(command.examples.length).toBeGreaterThan(0);
  });

  it("has flags whose letters and defaults do not collide", () => {
    const letters = Object.values(command.flags).flatMap(({ short }) => (short === undefined ? [] : [short]));
    expect(new Set(letters).size).toBe(letters.length);
    for (const [name, flag] of Object.entries(command.flags)) {
      expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(flag.help, name).toMatch(/[^.]$/);
    }
  });

  it("has examples that are right, at least one of this verb", async () => {
    for (const { says, line } of command.examples) {
      expect(says).toMatch(/^[A-Z].*[^.]$/);
      const called = await Promise.all(callsIn(line).map(check));
      expect(called, line).toContain(entry);
    }
  });
});

/** The command lines of gantry in a shell line, inner ones first. */
function callsIn(line: string): string[][] {
  const inner = [...line.matchAll(/\$\(([^)]*)\)/g)].flatMap((match) => callsIn(match[1]!));
  const tokens = line.replace(/\$\([^)]*\)/g, "SUBSTITUTED").match(/(?:'[^']*'|"[^"]*"|[^\s'"|;&<>])+|[|;&<>]+/g) ?? [];
  const calls: string[][] = [[]];
  for (const token of tokens) {
    if (/^[|;&<>]/.test(token)) calls.push([]);
    else calls.at(-1)!.push(token.replace(/'([^']*)'|"([^"]*)"/g, "$1$2"));
  }
  return [...inner, ...calls.filter(([program]) => program === "gantry").map((words) => words.slice(1))];
}

/** Parses a command line as the program would and returns its verb. */
async function check(words: string[]): Promise<CommandEntry> {
  const found = findCommand(words, NOUNS);
  if (found.kind !== "command") throw new Error(`not a command: ${words.join(" ")}`);
  const { command } = await found.entry.load();
  const { operands } = parseArguments(found.words, command.flags, command.optionsFirst === true);
  checkOperandCount("gantry", command, operands.length);
  return found.entry;
}
