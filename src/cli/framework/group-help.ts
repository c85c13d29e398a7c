import type { CommandEntry } from "./command.ts";
import type { Found, Noun } from "./find-command.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { groupHelp } from "./help.ts";
import { nearestWord } from "./nearest-word.ts";

/** What the top-level help shows first, in this order. */
const COMMON = [
  "run",
  "exec",
  "ps",
  "build",
  "pull",
  "push",
  "load",
  "save",
  "images",
  "login",
  "logout",
  "version",
  "info",
];

/** The help of a noun, or of the program where `noun` is undefined. Reads the declarations of what it lists. */
export async function helpOf(noun: Noun | undefined, nouns: readonly Noun[], columns: number): Promise<string> {
  if (noun !== undefined) {
    const lines = await summaries(noun.entries, (name) =>
      name.startsWith(`${noun.name} `) ? name.slice(noun.name.length + 1) : undefined,
    );
    const path = `gantry ${noun.name}`;
    return groupHelp({ path, summary: noun.summary, sections: [{ title: "Commands", lines }] }, columns);
  }
  const verbs = await summaries(
    nouns.flatMap(({ entries }) => entries),
    (name) => (name.includes(" ") ? undefined : name),
  );
  const common = COMMON.flatMap((name) => verbs.filter(([verb]) => verb === name));
  const managed = nouns.filter(({ entries }) => entries.length > 0);
  return groupHelp(
    {
      path: "gantry",
      summary:
        "Container images and containers with Docker's commands, run from an index instead of unpacked, without a daemon",
      sections: [
        { title: "Common Commands", lines: common },
        { title: "Management Commands", lines: managed.map(({ name, summary }) => [name, summary] as const) },
        { title: "Commands", lines: verbs.filter((line) => !common.includes(line)) },
      ].filter(({ lines }) => lines.length > 0),
      globalFlags: GLOBAL_FLAGS,
    },
    columns,
  );
}

/** The first name of each listed command that `shown` accepts, with its summary, sorted. */
async function summaries(
  entries: readonly CommandEntry[],
  shown: (name: string) => string | undefined,
): Promise<(readonly [string, string])[]> {
  const lines: (readonly [string, string])[] = [];
  for (const entry of entries) {
    if (entry.listed === false) continue;
    const name = entry.names.map(shown).find((found) => found !== undefined);
    if (name !== undefined) lines.push([name, (await entry.load()).command.summary]);
  }
  return lines.sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The commands that a wrong word may have meant, as one would type them: those of that very name under other nouns
 * (`gantry prune`), else the nearest by spelling, in its place first.
 */
export function suggestions(found: Extract<Found, { kind: "unknown" }>, nouns: readonly Noun[]): string[] {
  const { noun, word } = found;
  const names = nouns
    .flatMap(({ entries }) => entries.filter(({ listed }) => listed !== false))
    .map((entry) => entry.names);
  const short = [...names.flat().filter((name) => !name.includes(" ")), ...nouns.map(({ name }) => name)];
  const verbs = names.flat().filter((name) => name.includes(" "));
  const verbOf = (name: string): string => name.slice(name.indexOf(" ") + 1);
  const own = noun === undefined ? short : verbs.filter((name) => name.startsWith(`${noun.name} `)).map(verbOf);
  const called = (verb: string): string[] => {
    const shortest = [...names, ...nouns.map(({ name }) => [name])].flatMap((aliases) =>
      aliases
        .filter((name) => verbOf(name) === verb)
        .sort((a, b) => a.length - b.length)
        .slice(0, 1),
    );
    return shortest.map((name) => `gantry ${name}`).sort();
  };
  const same = called(word);
  if (same.length > 0) return same;
  const near = nearestWord(word, own);
  if (near !== undefined) return [`${found.path} ${near}`];
  const far = nearestWord(word, [...short, ...verbs.map(verbOf)]);
  return far === undefined ? [] : called(far);
}
