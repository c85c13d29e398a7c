import type { Command, CommandEntry } from "./command.ts";
import { findCommand, type Noun } from "./find-command.ts";
import type { Completes, Flag } from "./flags.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";

/** One word that may stand at the cursor, whole. */
export interface Candidate {
  value: string;
  /** Shown beside it by shells that can. */
  says: string;
}

export interface Completion {
  candidates: Candidate[];
  /** The shell's own file names fit, too. */
  files: boolean;
}

/** Knows what there is in the store that the line names: `root` is its `--root`, empty where it has none. */
export type NameSource = (kind: "image" | "container" | "running-container", root: string) => Promise<Candidate[]>;

const NOTHING: Completion = { candidates: [], files: false };
const FILES: Completion = { candidates: [], files: true };
const HELP: Flag = { typeName: "", help: "Print usage", initial: false, isSwitch: true, parse: () => true };

/**
 * What can stand at the end of a command line that is being typed: commands, options, their values, names. Never fails: a
 * line that makes no sense has nothing to offer.
 * @param words all after the program's name; the last is what has been typed of the word at the cursor, maybe nothing
 */
export async function completeLine(
  words: readonly string[],
  nouns: readonly Noun[],
  names: NameSource,
): Promise<Completion> {
  const line = new Line(words);
  const global = line.skipOptions(GLOBAL_FLAGS, true);
  if (global !== undefined) return await suggest(global, line, GLOBAL_FLAGS, names);
  const before = words.slice(line.at, -1);
  const found = findCommand(before, nouns);
  if (found.kind === "group") return matching(line.current, await verbs(nouns, found.noun));
  if (found.kind === "unknown") return NOTHING;
  const { command } = await found.entry.load();
  line.at += before.length - found.words.length;
  line.operands = 0;
  const flags = { ...command.flags, help: HELP, debug: GLOBAL_FLAGS.debug, root: GLOBAL_FLAGS.root };
  const place = line.skipOptions(flags, command.optionsFirst === true) ?? { kind: "operand" as const };
  return await suggest(place, line, flags, names, command);
}

/** What the word at the cursor is. */
type Place = { kind: "flag" } | { kind: "value"; flag: Flag; prefix: string } | { kind: "operand" };

class Line {
  readonly #words: readonly string[];
  at = 0;
  operands = 0;
  root = "";

  constructor(words: readonly string[]) {
    this.#words = words.length === 0 ? [""] : words;
  }

  get current(): string {
    return this.#words.at(-1) as string;
  }

  /**
   * Reads options, and operands unless they end them, up to the cursor.
   * @returns what stands there; undefined where an operand, or the cursor at an operand's place, ended the options
   */
  skipOptions(flags: Readonly<Record<string, Flag>>, optionsFirst: boolean): Place | undefined {
    const last = this.#words.length - 1;
    for (; this.at < last; this.at++) {
      const word = this.#words[this.at] as string;
      if (word === "--") {
        this.operands += last - this.at - 1;
        return undefined;
      }
      if (word === "-" || !word.startsWith("-")) {
        if (optionsFirst) {
          this.operands += last - this.at;
          return undefined;
        }
        this.operands++;
        continue;
      }
      const named = flagIn(word, flags);
      if (named?.value !== undefined) this.#note(named.name, named.value);
      if (named === undefined || named.flag.isSwitch || named.value !== undefined) continue;
      if (this.at + 1 === last) return { kind: "value", flag: named.flag, prefix: "" };
      this.#note(named.name, this.#words[++this.at] as string);
    }
    const { current } = this;
    const equals = current.startsWith("--") ? current.indexOf("=") : -1;
    if (equals > 0) {
      const named = flagIn(current, flags);
      return named === undefined
        ? { kind: "flag" }
        : { kind: "value", flag: named.flag, prefix: current.slice(0, equals + 1) };
    }
    return current.startsWith("-") ? { kind: "flag" } : undefined;
  }

  #note(name: string, value: string): void {
    if (name === "root") this.root = value;
  }
}

/** The flag that a word names, and the value in the same word. */
function flagIn(
  word: string,
  flags: Readonly<Record<string, Flag>>,
): { name: string; flag: Flag; value?: string } | undefined {
  if (word.startsWith("--")) {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) return undefined;
    return equals < 0 ? { name, flag } : { name, flag, value: word.slice(equals + 1) };
  }
  // A cluster: switches up to the one that takes a value, which is the rest of the word or the next one.
  for (let at = 1; at < word.length; at++) {
    const [name, flag] = Object.entries(flags).find(([, { short }]) => short === word[at]) ?? [];
    if (name === undefined || flag === undefined) return undefined;
    if (flag.isSwitch) continue;
    return at + 1 === word.length ? { name, flag } : { name, flag, value: word.slice(at + 1) };
  }
  return undefined;
}

async function suggest(
  place: Place,
  line: Line,
  flags: Readonly<Record<string, Flag>>,
  names: NameSource,
  command?: Command,
): Promise<Completion> {
  if (place.kind === "flag") return matching(line.current, options(flags));
  if (place.kind === "value") {
    const typed = line.current.slice(place.prefix.length);
    const kind = place.flag.isSwitch ? ["true", "false"] : place.flag.completes;
    const { candidates, files } = await named(kind, typed, line.root, names);
    return { candidates: candidates.map(({ value, says }) => ({ value: place.prefix + value, says })), files };
  }
  const { completes, completesNext = completes, max = Infinity } = command?.operands ?? {};
  if (line.operands >= max) return NOTHING;
  return await named(line.operands === 0 ? completes : completesNext, line.current, line.root, names);
}

async function named(
  kind: Completes | readonly string[] | undefined,
  typed: string,
  root: string,
  names: NameSource,
): Promise<Completion> {
  if (kind === undefined || kind === "none") return NOTHING;
  if (typeof kind === "object") {
    return matching(
      typed,
      kind.map((value) => ({ value, says: "" })),
    );
  }
  return kind === "file" ? FILES : matching(typed, await names(kind, root));
}

/** The top level's commands and nouns, or a noun's. */
async function verbs(nouns: readonly Noun[], noun: Noun | undefined): Promise<Candidate[]> {
  const prefix = noun === undefined ? "" : `${noun.name} `;
  const groups = noun === undefined ? nouns : [noun];
  const listed = groups.flatMap(({ entries }) => entries).filter((entry) => entry.listed !== false);
  const candidates = await Promise.all(
    listed.flatMap((entry) =>
      shortNames(entry, prefix).map(async (value) => ({ value, says: await summaryOf(entry) })),
    ),
  );
  const own = noun === undefined ? nouns.map(({ name, summary }) => ({ value: name, says: summary })) : [];
  return [...candidates, ...own].sort((a, b) => (a.value < b.value ? -1 : 1));
}

function shortNames({ names }: CommandEntry, prefix: string): string[] {
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((name) => !name.includes(" "));
}

const summaryOf = async ({ load }: CommandEntry): Promise<string> => (await load()).command.summary;

function options(flags: Readonly<Record<string, Flag>>): Candidate[] {
  return Object.entries(flags)
    .filter(([, { hidden }]) => hidden !== true)
    .map(([name, { help }]) => ({ value: `--${name}`, says: help }))
    .sort((a, b) => (a.value < b.value ? -1 : 1));
}

function matching(typed: string, candidates: Candidate[]): Completion {
  return { candidates: candidates.filter(({ value }) => value.startsWith(typed)), files: false };
}
