import { describe, expect, it } from "vitest";
import {
  boolFlag,
  bytesFlag,
  choiceFlag,
  decimalFlag,
  durationFlag,
  filterFlag,
  intFlag,
  listFlag,
  stringFlag,
  stringsFlag,
} from "../../../src/cli/framework/flags.ts";
import { FlagError, parseArguments } from "../../../src/cli/framework/parse-arguments.ts";

const FLAGS = {
  cpus: decimalFlag("", {}),
  detach: boolFlag("", { short: "d" }),
  env: listFlag("", { short: "e" }),
  filter: filterFlag(""),
  human: boolFlag("", { short: "H", default: true }),
  interactive: boolFlag("", { short: "i" }),
  last: intFlag("", { short: "n", default: -1 }),
  memory: bytesFlag("", { short: "m" }),
  name: stringFlag(""),
  platform: stringsFlag(""),
  pull: choiceFlag("", ["always", "missing", "never"], { default: "missing" }),
  rm: boolFlag(""),
  tty: boolFlag("", { short: "t" }),
  wait: durationFlag(""),
};

function flagsOf(...words: string[]): Readonly<Record<string, unknown>> {
  return parseArguments(words, FLAGS).flags;
}

function problem(...words: string[]): string {
  try {
    parseArguments(words, FLAGS);
  } catch (error) {
    if (error instanceof FlagError) return error.message;
    throw error;
  }
  return "no error";
}

describe("values", () => {
  it.each<[string[], string, unknown]>([
    [["--name", "web"], "name", "web"],
    [["--name=web"], "name", "web"],
    [["--name="], "name", ""],
    [["--name", "-x"], "name", "-x"],
    [["--name=a=b"], "name", "a=b"],
    [["--name", "a", "--name", "b"], "name", "b"],
    [["-eFOO=1"], "env", ["FOO=1"]],
    [["-e", "FOO=1"], "env", ["FOO=1"]],
    [["-e=FOO=1"], "env", ["FOO=1"]],
    [["-e", "A", "--env", "B", "--env=C"], "env", ["A", "B", "C"]],
    [["-n5"], "last", 5],
    [["-n=5"], "last", 5],
    [["-n", "-1"], "last", -1],
    [["-m512m"], "memory", 512 * 1024 * 1024],
    [["--memory", "1.5g"], "memory", 1.5 * 1024 ** 3],
    [["--cpus", ".5"], "cpus", 0.5],
    [["--wait", "1m30s"], "wait", 90_000],
    [["--platform", "a,b", "--platform=c"], "platform", ["a", "b", "c"]],
    [["--pull", "never"], "pull", "never"],
    [["-f", "Label=a=b"], "filter", [{ name: "label", value: "a=b" }]],
  ])("%j sets %s", (words, name, value) => {
    expect(flagsOf(...words)[name]).toEqual(value);
  });

  it("of flags that are not given are their defaults", () => {
    expect(flagsOf()).toMatchObject({ detach: false, env: [], human: true, last: -1, memory: undefined, name: "" });
  });

  it("of a list do not leak into the next command line", () => {
    flagsOf("-e", "A");
    expect(flagsOf("-e", "B")["env"]).toEqual(["B"]);
  });
});

describe("switches", () => {
  it.each<[string[], object]>([
    [["-it"], { interactive: true, tty: true }],
    [["-itd"], { interactive: true, tty: true, detach: true }],
    [["-iteA=1"], { interactive: true, tty: true, env: ["A=1"] }],
    [["-it", "--rm=false"], { rm: false }],
    [["--rm=T"], { rm: true }],
    [["--rm=0"], { rm: false }],
    [["-H=false"], { human: false }],
    [["-i=false"], { interactive: false }],
  ])("%j", (words, expected) => {
    expect(flagsOf(...words)).toMatchObject(expected);
  });

  it("take no value from the next word", () => {
    const { flags, operands } = parseArguments(["--rm", "false"], FLAGS);
    expect(flags["rm"]).toBe(true);
    expect(operands).toEqual(["false"]);
  });
});

describe("operands", () => {
  it("may stand between options, and -- ends options", () => {
    expect(parseArguments(["a", "-d", "-", "b", "--", "-i", "--x"], FLAGS).operands).toEqual([
      "a",
      "-",
      "b",
      "-i",
      "--x",
    ]);
  });

  it("end options where options come first: a container's command keeps its own", () => {
    const { flags, operands } = parseArguments(["-i", "busybox", "ls", "-d", "--name", "--"], FLAGS, true);
    expect(flags).toMatchObject({ interactive: true, detach: false });
    expect(operands).toEqual(["busybox", "ls", "-d", "--name", "--"]);
  });
});

describe("mistakes are told in pflag's words", () => {
  it.each([
    [["--foo"], "unknown flag: --foo"],
    [["--foo=1"], "unknown flag: --foo"],
    [["--constructor"], "unknown flag: --constructor"],
    [["-z"], "unknown shorthand flag: 'z' in -z"],
    [["-itz"], "unknown shorthand flag: 'z' in -z"],
    [["-zit"], "unknown shorthand flag: 'z' in -zit"],
    [["--name"], "flag needs an argument: --name"],
    [["-e"], "flag needs an argument: 'e' in -e"],
    [["-ite"], "flag needs an argument: 'e' in -e"],
    [["--=x"], "bad flag syntax: --=x"],
    [["---name"], "bad flag syntax: ---name"],
    [["-m", "zz"], `invalid argument "zz" for "-m, --memory" flag: invalid size: 'zz'`],
    [["--rm=zz"], 'invalid argument "zz" for "--rm" flag: not a boolean: use true or false'],
    [["-n", "1.5"], 'invalid argument "1.5" for "-n, --last" flag: not a whole number'],
    [["--pull", "x"], 'invalid argument "x" for "--pull" flag: must be one of always, missing, never'],
    [["-f", "x"], 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)'],
  ])("%j", (words, message) => {
    expect(problem(...words)).toBe(message);
  });

  it("with the flag that was meant", () => {
    expect(() => parseArguments(["--detatch"], FLAGS)).toThrow(
      expect.objectContaining({ suggestion: "--detach" }) as Error,
    );
    expect(() => parseArguments(["--interact"], FLAGS)).toThrow(
      expect.objectContaining({ suggestion: "--interactive" }) as Error,
    );
  });
});

it("help is asked by --help anywhere among the options, or -h", () => {
  expect(parseArguments(["a", "--help", "--foo"], FLAGS).helpAsked).toBe(true);
  expect(parseArguments(["-h"], FLAGS).helpAsked).toBe(true);
  expect(parseArguments(["busybox", "--help"], FLAGS, true).helpAsked).toBe(false);
  expect(parseArguments(["-h", "x"], { hostname: stringFlag("", { short: "h" }) }).flags["hostname"]).toBe("x");
});
