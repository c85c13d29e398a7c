import type { CommandEntry } from "./command.ts";

/** A noun: `image`, `container`, `system`. */
export interface Noun {
  readonly name: string;
  readonly summary: string;
  readonly entries: readonly CommandEntry[];
}

/** What the words after the global options lead to. */
export type Found =
  | { kind: "command"; entry: CommandEntry; typed: string; words: readonly string[] }
  | { kind: "group"; noun: Noun | undefined }
  | { kind: "unknown"; path: string; word: string; noun: Noun | undefined };

/** Looks a command up: `image ls -q`, `images -q`; a noun alone is a group, so is nothing at all. */
export function findCommand(words: readonly string[], nouns: readonly Noun[]): Found {
  const [first, second] = words;
  if (first === undefined) return { kind: "group", noun: undefined };
  const noun = nouns.find(({ name }) => name === first);
  if (noun === undefined) {
    const entry = entryNamed(first, nouns);
    if (entry !== undefined) return { kind: "command", entry, typed: first, words: words.slice(1) };
    return { kind: "unknown", path: "gantry", word: first, noun: undefined };
  }
  if (second === undefined || second === "--help" || second === "-h") return { kind: "group", noun };
  const typed = `${first} ${second}`;
  const entry = entryNamed(typed, [noun]);
  if (entry !== undefined) return { kind: "command", entry, typed, words: words.slice(2) };
  return { kind: "unknown", path: `gantry ${first}`, word: second, noun };
}

function entryNamed(name: string, nouns: readonly Noun[]): CommandEntry | undefined {
  for (const { entries } of nouns) {
    for (const entry of entries) if (entry.names.includes(name)) return entry;
  }
  return undefined;
}
