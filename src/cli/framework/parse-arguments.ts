import { nearestWord } from "./nearest-word.ts";
import type { Flag } from "./flags.ts";

/** What the words of a command line say, before operands are counted. */
export interface ParsedArguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
  readonly given: ReadonlySet<string>;
  /** `--help` or, where the command has no `-h` of its own, `-h` was met; nothing after it was read. */
  readonly helpAsked: boolean;
}

/** A flag that does not exist, lacks its value or has a bad one. Exit status 125, as Docker's client has it. */
export class FlagError extends Error {
  constructor(
    message: string,
    /** A flag that may have been meant, with its dashes. */
    readonly suggestion?: string,
  ) {
    super(message);
  }
}

/**
 * Reads a command line as pflag, and so Docker, does: `--name value`, `--name=value`, `-nvalue`, `-n value`, `-n=value`,
 * switches in clusters (`-it`), a switch's value only after `=`, `--` ends options, `-` alone is an operand. With
 * `optionsFirst` the first operand ends options too.
 * @throws {FlagError}
 */
export function parseArguments(
  words: readonly string[],
  flags: Readonly<Record<string, Flag>>,
  optionsFirst = false,
): ParsedArguments {
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const name in flags) values[name] = flags[name]!.initial;
  const given = new Set<string>();
  const operands: string[] = [];
  const done = (helpAsked: boolean): ParsedArguments => ({ flags: values, operands, given, helpAsked });

  const set = (name: string, flag: Flag, text: string): void => {
    try {
      values[name] = flag.parse(text, values[name]);
    } catch (error) {
      const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      throw new FlagError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${(error as Error).message}`);
    }
    given.add(name);
  };

  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "-" || !word.startsWith("-")) {
      operands.push(word);
      if (!optionsFirst) continue;
      operands.push(...words.slice(at + 1));
      break;
    }
    if (word === "--") {
      operands.push(...words.slice(at + 1));
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      if (name === "" || name.startsWith("-")) throw new FlagError(`bad flag syntax: ${word}`);
      const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
      if (flag === undefined) {
        if (name === "help") return done(true);
        throw new FlagError(`unknown flag: --${name}`, nearestFlag(name, flags));
      }
      if (equals >= 0) set(name, flag, word.slice(equals + 1));
      else if (flag.isSwitch) set(name, flag, "true");
      else if (at + 1 < words.length) set(name, flag, words[++at]!);
      else throw new FlagError(`flag needs an argument: --${name}`);
      continue;
    }
    for (let letters = word.slice(1); letters !== "";) {
      const letter = String.fromCodePoint(letters.codePointAt(0)!);
      const rest = letters.slice(letter.length);
      const name = byShort(flags, letter);
      if (name === undefined) {
        if (letter === "h") return done(true);
        throw new FlagError(`unknown shorthand flag: '${letter}' in -${letters}`);
      }
      const flag = flags[name]!;
      const cluster = letters;
      letters = "";
      if (rest.startsWith("=") && rest.length > 1) set(name, flag, rest.slice(1));
      else if (flag.isSwitch) {
        set(name, flag, "true");
        letters = rest;
      } else if (rest !== "") set(name, flag, rest);
      else if (at + 1 < words.length) set(name, flag, words[++at]!);
      else throw new FlagError(`flag needs an argument: '${letter}' in -${cluster}`);
    }
  }
  return done(false);
}

function byShort(flags: Readonly<Record<string, Flag>>, letter: string): string | undefined {
  for (const name in flags) if (flags[name]!.short === letter) return name;
  return undefined;
}

function nearestFlag(name: string, flags: Readonly<Record<string, Flag>>): string | undefined {
  const shown = Object.keys(flags).filter((known) => flags[known]!.hidden !== true);
  const nearest = nearestWord(name, shown);
  return nearest === undefined ? undefined : `--${nearest}`;
}
