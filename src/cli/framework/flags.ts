import { parseByteSize } from "../format/byte-size.ts";
import { parseDuration } from "../format/duration.ts";

/** One option of a command: how it is written, what its text means, what it is when not given. */
export interface Flag<T = unknown> {
  /** Shown in help after the name: `string`, `list`, `bytes`; empty for a switch. */
  readonly typeName: string;
  readonly short?: string;
  readonly help: string;
  readonly initial: T;
  /** The default as help shows it; omitted where it is the type's zero. */
  readonly defaultText?: string;
  /** A switch needs no value; `--rm` alone is `--rm=true`, and a value is only taken after `=`. */
  readonly isSwitch: boolean;
  /** Works, but is not shown in help. */
  readonly hidden?: boolean;
  /** What shell completion offers for the value: things of a kind, or these words. */
  readonly completes?: Completes | readonly string[];
  /**
   * The value after one more occurrence with this text.
   * @throws {Error} whose message says what is wrong with the text
   */
  parse(text: string, before: T): T;
}

/** Things that shell completion knows the names of. */
export type Completes = "image" | "container" | "running-container" | "file" | "none";

export interface FlagOptions<T> {
  completes?: Completes | readonly string[];
  /** Empty: none, where the kind of flag has one. */
  short?: string;
  default?: T;
  defaultText?: string;
  typeName?: string;
  hidden?: boolean;
}

/** The values of a flags record, by flag name. */
export type FlagValues<F extends Record<string, Flag>> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

/** Names a type whose value is the default's, so that `defaultText` shows only what is not the type's zero. */
function describe<T>(
  typeName: string,
  help: string,
  zero: T,
  options: FlagOptions<T>,
  parse: (text: string, before: T) => T,
  isSwitch = false,
): Flag<T> {
  const initial = options.default ?? zero;
  const defaultText = options.defaultText ?? (initial === zero || Array.isArray(initial) ? undefined : quoted(initial));
  return {
    typeName: options.typeName ?? typeName,
    help,
    initial,
    isSwitch,
    parse,
    ...(options.short === undefined || options.short === "" ? {} : { short: options.short }),
    ...(defaultText === undefined ? {} : { defaultText }),
    ...(options.hidden === undefined ? {} : { hidden: options.hidden }),
    ...(options.completes === undefined ? {} : { completes: options.completes }),
  };
}

function quoted(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** A switch: `--quiet`, `--quiet=false`; the words are those of Go's strconv.ParseBool. */
export function boolFlag(help: string, options: FlagOptions<boolean> = {}): Flag<boolean> {
  const parse = (text: string): boolean => {
    if (TRUE.has(text)) return true;
    if (FALSE.has(text)) return false;
    throw new Error("not a boolean: use true or false");
  };
  return describe("", help, false, options, parse, true);
}

/** A text, taken as it is; empty when not given. The last one wins. */
export function stringFlag(help: string, options: FlagOptions<string> = {}): Flag<string> {
  return describe("string", help, "", options, (text) => text);
}

/** One of a closed set of words. */
export function choiceFlag<const W extends string>(
  help: string,
  words: readonly W[],
  options: FlagOptions<W> & { default: W },
): Flag<W> {
  return describe<W>("string", help, "" as W, { completes: words, ...options }, (text) => {
    const word = words.find((w) => w === text);
    if (word === undefined) throw new Error(`must be one of ${words.join(", ")}`);
    return word;
  });
}

/** A whole number within safe integers, decimal or with a 0x, 0o or 0b prefix; `undefined` when not given. */
export function intFlag(
  help: string,
  options: FlagOptions<number | undefined> & { min?: number; max?: number } = {},
): Flag<number | undefined> {
  return describe<number | undefined>("int", help, undefined, options, (text) => {
    const value = /^[+-]?(\d+|0[xob][0-9a-f]+)$/i.test(text) ? signed(text) : NaN;
    if (!Number.isSafeInteger(value)) throw new Error("not a whole number");
    if (options.min !== undefined && value < options.min) throw new Error(`must be at least ${options.min}`);
    if (options.max !== undefined && value > options.max) throw new Error(`must be at most ${options.max}`);
    return value;
  });
}

function signed(text: string): number {
  return text.startsWith("-") ? -Number(text.slice(1)) : Number(text.replace(/^\+/, ""));
}

/** A decimal number such as `1.5`; `undefined` when not given. */
export function decimalFlag(help: string, options: FlagOptions<number | undefined> = {}): Flag<number | undefined> {
  return describe<number | undefined>("decimal", help, undefined, options, (text) => {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) throw new Error("not a decimal number");
    return Number(text);
  });
}

/** A number of bytes with an optional binary unit: `512m`, `1.5GiB`, `1073741824`; `undefined` when not given. */
export function bytesFlag(help: string, options: FlagOptions<number | undefined> = {}): Flag<number | undefined> {
  return describe<number | undefined>("bytes", help, undefined, options, (text) => parseByteSize(text));
}

/** A Go duration such as `1m30s`, in milliseconds; `undefined` when not given. */
export function durationFlag(help: string, options: FlagOptions<number | undefined> = {}): Flag<number | undefined> {
  return describe<number | undefined>("duration", help, undefined, options, (text) => parseDuration(text));
}

/** Every occurrence's text, in order; `check` may refuse or rewrite one. */
export function listFlag(
  help: string,
  options: FlagOptions<readonly string[]> & { check?: (text: string) => string } = {},
): Flag<readonly string[]> {
  const check = options.check ?? ((text: string): string => text);
  return describe<readonly string[]>("list", help, [], options, (text, before) => [...before, check(text)]);
}

/** Like a list, and commas separate values within one occurrence. */
export function stringsFlag(help: string, options: FlagOptions<readonly string[]> = {}): Flag<readonly string[]> {
  return describe<readonly string[]>("strings", help, [], options, (text, before) => [...before, ...text.split(",")]);
}

/** `--filter name=value`, repeatable: Docker's filter syntax. Names are lower-cased. */
export function filterFlag(help: string, options: FlagOptions<readonly Filter[]> = {}): Flag<readonly Filter[]> {
  return describe<readonly Filter[]>("filter", help, [], { short: "f", ...options }, (text, before) => {
    const equals = text.indexOf("=");
    if (equals < 0) throw new Error("bad format of filter (expected name=value)");
    return [...before, { name: text.slice(0, equals).trim().toLowerCase(), value: text.slice(equals + 1).trim() }];
  });
}

export interface Filter {
  readonly name: string;
  readonly value: string;
}
