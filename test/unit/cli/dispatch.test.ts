import { describe, expect, it } from "vitest";
import { GantryError } from "../../../src/errors/index.ts";
import { defineCommand, type Command } from "../../../src/cli/framework/command.ts";
import { BrokenPipe, type TextOutput } from "../../../src/cli/framework/context.ts";
import { dispatch } from "../../../src/cli/framework/dispatch.ts";
import type { Noun } from "../../../src/cli/framework/find-command.ts";
import { boolFlag, listFlag, stringFlag } from "../../../src/cli/framework/flags.ts";
import { forEachTarget } from "../../../src/cli/framework/for-each-target.ts";

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

function output(texts: string[]): TextOutput {
  return { fd: -1, isTerminal: false, columns: 80, write: (text) => void texts.push(text) };
}

async function gantry(words: string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const status = await dispatch(words, NOUNS, {
    environment,
    stdin: { fd: 0, isTerminal: false },
    stdout: output(stdout),
    stderr: output(stderr),
  });
  return { status, stdout: stdout.join(""), stderr: stderr.join("") };
}

const show = defineCommand({
  summary: "Show what was understood",
  operands: { synopsis: "IMAGE [ARG...]", min: 1 },
  flags: { env: listFlag("Set a variable", { short: "e" }), quiet: boolFlag("Say less", { short: "q" }) },
  examples: [{ says: "Show it", line: "gantry show x" }],
  optionsFirst: true,
  run(context, { flags, operands }) {
    context.stdout.write(`${JSON.stringify({ root: context.storeRoot, debug: context.debug, flags, operands })}\n`);
    return 7;
  },
});

const ERRORS: Record<string, () => Error> = {
  cancelled: () => new GantryError("CANCELLED", "cancelled"),
  internal: () => new Error("boom"),
  invalid: () => new GantryError("ARCHIVE_INVALID", 'cannot read "x"', { remedy: "Give another archive." }),
  pipe: () => new BrokenPipe(),
};

const fail = (runsContainer: boolean): Command =>
  defineCommand({
    summary: "Fail",
    operands: { synopsis: "KIND", min: 1, max: 1 },
    flags: { root: stringFlag("A root of its own") },
    examples: [],
    runsContainer,
    run(_, { operands }) {
      throw ERRORS[operands[0]!]!();
    },
  });

const each = defineCommand({
  summary: "Do several",
  operands: { synopsis: "[TARGET...]", min: 0 },
  flags: {},
  examples: [],
  run: (context, { operands }) =>
    forEachTarget(context, operands, (target) => {
      if (target.startsWith("bad")) throw new GantryError("ARCHIVE_INVALID", `no ${target}`);
      context.stdout.write(`${target}\n`);
    }),
});

const NOUNS: Noun[] = [
  {
    name: "image",
    summary: "Manage images",
    entries: [
      { names: ["image show", "show"], load: () => Promise.resolve({ command: show }) },
      { names: ["image each", "each"], load: () => Promise.resolve({ command: each }) },
    ],
  },
  {
    name: "container",
    summary: "Manage containers",
    entries: [
      { names: ["fail"], load: () => Promise.resolve({ command: fail(false) }) },
      { names: ["container run", "run"], load: () => Promise.resolve({ command: fail(true) }) },
    ],
  },
];

describe("finding the command", () => {
  it("by its short and its long name; its status is the program's", async () => {
    for (const words of [
      ["show", "x"],
      ["image", "show", "x"],
    ])
      expect((await gantry(words)).status).toBe(7);
  });

  it("shows a noun's or the program's help where there is no verb", async () => {
    expect((await gantry([])).stdout).toMatch(/^Usage: {2}gantry \[OPTIONS\] COMMAND \[ARG...\]\n/);
    expect((await gantry(["image"])).stdout).toMatch(/^Usage: {2}gantry image COMMAND\n/);
    expect((await gantry(["image", "--help"])).stdout).toMatch(/\n {2}show {8}Show what was understood\n/);
  });

  it("says what may have been meant", async () => {
    const { status, stderr } = await gantry(["shwo"]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      "gantry: unknown command: gantry shwo\n\nDid you mean 'gantry show'?\n\nRun 'gantry --help' for more information\n",
    );
    expect((await gantry(["image", "eahc"])).stderr).toContain("Did you mean 'gantry image each'?");
    expect((await gantry(["imgae"])).stderr).toContain("Did you mean 'gantry image'?");
    expect((await gantry(["frobnicate"])).stderr).not.toContain("Did you mean");
  });
});

describe("global options", () => {
  it("give the root, before the command or after it, else GANTRY_ROOT", async () => {
    const rootOf = async (words: string[], environment = {}): Promise<unknown> =>
      (JSON.parse((await gantry(words, environment)).stdout) as { root: string }).root;
    expect(await rootOf(["--root", "/a", "show", "x"])).toBe("/a");
    expect(await rootOf(["show", "--root=/b", "x"], { GANTRY_ROOT: "/c" })).toBe("/b");
    expect(await rootOf(["show", "x"], { GANTRY_ROOT: "/c/../d" })).toBe("/d");
    expect(await rootOf(["show", "x", "--root", "/z"], { GANTRY_ROOT: "/c" })).toBe("/c");
  });

  it("are refused with status 125 where unknown", async () => {
    expect(await gantry(["--foo", "show"])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^unknown flag: --foo\n\nUsage: {2}gantry \[OPTIONS\] COMMAND/) as string,
    });
  });

  it("print the version", async () => {
    expect((await gantry(["-v"])).stdout).toMatch(/^gantry version /);
  });
});

describe("usage errors have Docker's texts and statuses", () => {
  it("for flags: 125", async () => {
    expect(await gantry(["show", "--quite", "x"])).toEqual({
      status: 125,
      stdout: "",
      stderr:
        "unknown flag: --quite\n\nDid you mean '--quiet'?\n\nUsage:  gantry show [OPTIONS] IMAGE [ARG...]\n\n" +
        "Run 'gantry show --help' for more information\n",
    });
  });

  it("for operands: 1", async () => {
    expect((await gantry(["image", "show"])).stderr).toBe(
      "gantry: 'gantry image show' requires at least 1 argument\n\nUsage:  gantry image show [OPTIONS] IMAGE [ARG...]\n\n" +
        "Run 'gantry image show --help' for more information\n",
    );
    expect(await gantry(["fail"])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("requires 1 argument\n") as string,
    });
  });
});

describe("errors", () => {
  it("are told in one line, the remedy on its own", async () => {
    expect(await gantry(["fail", "invalid"])).toEqual({
      status: 1,
      stdout: "",
      stderr: 'gantry: cannot read "x"\nGive another archive.\n',
    });
  });

  it("of gantry exit with 125 where a container's command was to run", async () => {
    expect((await gantry(["run", "invalid"])).status).toBe(125);
    expect((await gantry(["run", "cancelled"])).status).toBe(130);
  });

  it("that were not expected show their stack with --debug only", async () => {
    expect((await gantry(["fail", "internal"])).stderr).toMatch(/^gantry: boom\n.*--debug.*\n$/);
    expect((await gantry(["--debug", "fail", "internal"])).stderr).toMatch(/^gantry: boom\nError: boom\n +at /);
    expect((await gantry(["fail", "--debug", "internal"])).stderr).toMatch(/Error: boom\n +at /);
  });

  it("of a reader that went away are quiet", async () => {
    expect(await gantry(["fail", "pipe"])).toEqual({ status: 141, stdout: "", stderr: "" });
  });

  it("of one target do not keep the others from being done", async () => {
    expect(await gantry(["each", "a", "bad1", "b", "bad2"])).toEqual({
      status: 1,
      stdout: "a\nb\n",
      stderr: "gantry: no bad1\ngantry: no bad2\n",
    });
  });
});

describe("help", () => {
  it("of a verb is in Docker's layout", async () => {
    expect((await gantry(["image", "show", "--help"])).stdout).toBe(`Usage:  gantry image show [OPTIONS] IMAGE [ARG...]

Show what was understood

Aliases:
  gantry image show, gantry show

Examples:
  # Show it
  gantry show x

Options:
  -e, --env list   Set a variable
  -q, --quiet      Say less
`);
  });

  it("is what `help VERB` and --help before it show too", async () => {
    const wanted = (await gantry(["show", "--help"])).stdout;
    expect((await gantry(["help", "show"])).stdout).toBe(wanted);
    expect((await gantry(["--help", "show"])).stdout).toBe(wanted);
  });
});
