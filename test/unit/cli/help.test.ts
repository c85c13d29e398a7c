import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NOUNS } from "../../../src/cli/commands/index.ts";
import type { TextOutput } from "../../../src/cli/framework/context.ts";
import { dispatch } from "../../../src/cli/framework/dispatch.ts";

async function helpOf(...words: string[]): Promise<string> {
  let text = "";
  const output: TextOutput = { fd: -1, isTerminal: false, columns: 80, write: (more) => void (text += more) };
  const terminal = { environment: {}, stdin: { fd: 0, isTerminal: false }, stdout: output, stderr: output };
  expect(await dispatch([...words, "--help"], NOUNS, terminal)).toBe(0);
  return text;
}

const ENTRIES = NOUNS.flatMap(({ entries }) => entries);
/** The shortest way to type each command, then the nouns, then the program. */
const PATHS = [...ENTRIES.map(({ names }) => names.at(-1) as string), ...NOUNS.map(({ name }) => name), ""];

describe("help is what the golden file says", () => {
  it.each(PATHS)("of gantry %s", async (path) => {
    const file = path === "" ? "gantry" : path.replace(" ", "-");
    await expect(await helpOf(...path.split(" ").filter(Boolean))).toMatchFileSnapshot(`../../golden/help/${file}.txt`);
  });

  it("and there is none of a command that there is not", () => {
    const files = readdirSync(join(import.meta.dirname, "../../golden/help")).sort();
    expect(files).toEqual(PATHS.map((path) => `${path === "" ? "gantry" : path.replace(" ", "-")}.txt`).sort());
  });
});

describe("an unknown command is answered with", () => {
  it.each([
    ["prune", "'gantry container prune', 'gantry image prune' or 'gantry system prune'"],
    ["ls", "'gantry container ls' or 'gantry image ls'"],
    ["squash", "'gantry image squash'"],
    ["flattne", "'gantry image flatten'"],
    ["imgaes", "'gantry images'"],
    ["image run", "'gantry run'"],
    ["image prnue", "'gantry image prune'"],
  ])("%s: %s", async (line, meant) => {
    let text = "";
    const output: TextOutput = { fd: -1, isTerminal: false, columns: 80, write: (more) => void (text += more) };
    const terminal = { environment: {}, stdin: { fd: 0, isTerminal: false }, stdout: output, stderr: output };
    expect(await dispatch(line.split(" "), NOUNS, terminal)).toBe(1);
    expect(text).toContain(`Did you mean ${meant}?`);
  });
});

it("the program's help lists every verb that has a short name", async () => {
  const help = await helpOf();
  const verbs = NOUNS.flatMap(({ entries }) => entries)
    .filter(({ listed }) => listed !== false)
    .flatMap(({ names }) => names.filter((name) => !name.includes(" ")).slice(0, 1));
  for (const verb of verbs) expect(help).toMatch(new RegExp(`^ {2}${verb} `, "m"));
});
