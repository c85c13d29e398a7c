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

describe("help is what the golden file says", () => {
  it.each([
    "image",
    "load",
    "save",
    "images",
    "image inspect",
    "inspect",
    "rmi",
    "tag",
    "history",
    "import",
    "commit",
    "cp",
    "export",
    "system fsck",
    "version",
    "info",
  ])("of %s", async (path) => {
    await expect(await helpOf(...path.split(" "))).toMatchFileSnapshot(
      `../../golden/help/${path.replace(" ", "-")}.txt`,
    );
  });
});

it("the program's help lists every verb that has a short name", async () => {
  const help = await helpOf();
  const verbs = NOUNS.flatMap(({ entries }) => entries)
    .filter(({ listed }) => listed !== false)
    .flatMap(({ names }) => names.filter((name) => !name.includes(" ")).slice(0, 1));
  for (const verb of verbs) expect(help).toMatch(new RegExp(`^ {2}${verb} `, "m"));
});
