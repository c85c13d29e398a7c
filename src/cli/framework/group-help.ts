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

/** The command that a wrong word may have meant, as one would type it. */
export function suggestion(found: Extract<Found, { kind: "unknown" }>, nouns: readonly Noun[]): string | undefined {
  const { noun } = found;
  const all = (noun === undefined ? nouns : [noun]).flatMap(({ entries }) => entries.flatMap(({ names }) => names));
  const known =
    noun === undefined
      ? [...all.filter((name) => !name.includes(" ")), ...nouns.map(({ name }) => name)]
      : all.filter((name) => name.startsWith(`${noun.name} `)).map((name) => name.slice(noun.name.length + 1));
  const nearest = nearestWord(found.word, known);
  return nearest === undefined ? undefined : `${found.path} ${nearest}`;
}
