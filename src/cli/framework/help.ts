import type { Command, CommandEntry } from "./command.ts";
import type { Flag } from "./flags.ts";
import { wrapText } from "./wrap-text.ts";

/** A noun's commands, or the program's top level. */
export interface HelpGroup {
  /** `gantry image`; `gantry` for the top level. */
  readonly path: string;
  readonly summary: string;
  readonly sections: readonly {
    readonly title: string;
    readonly lines: readonly (readonly [name: string, summary: string])[];
  }[];
  readonly globalFlags?: Readonly<Record<string, Flag>>;
}

/** `gantry load [OPTIONS]`: the usage line of a verb, called by the words the user used. */
export function usageLine(path: string, command: Command): string {
  const shown = Object.values(command.flags).some((flag) => flag.hidden !== true);
  return [path, shown ? "[OPTIONS]" : "", command.operands.synopsis].filter((part) => part !== "").join(" ");
}

/** The whole `--help` of a verb, in the layout of Docker's; `path` is what the user typed, `gantry images`. */
export function commandHelp(path: string, command: Command, entry: CommandEntry, columns: number): string {
  const parts = [`Usage:  ${usageLine(path, command)}\n`, `${command.summary}\n`];
  if (command.description !== undefined) parts.push(`${command.description.trim()}\n`);
  if (entry.names.length > 1) parts.push(`Aliases:\n  ${entry.names.map((name) => `gantry ${name}`).join(", ")}\n`);
  if (command.examples.length > 0) {
    const examples = command.examples.map(({ says, line }) => `  # ${says}\n  ${line}\n`);
    parts.push(`Examples:\n${examples.join("\n")}`);
  }
  const options = flagUsages(command.flags, columns);
  if (options !== "") parts.push(`Options:\n${options}`);
  return parts.join("\n");
}

/** The help of a noun or of the program: its commands in aligned lists. */
export function groupHelp(group: HelpGroup, columns: number): string {
  const top = group.globalFlags !== undefined;
  const parts = [`Usage:  ${group.path} ${top ? "[OPTIONS] COMMAND [ARG...]" : "COMMAND"}\n`, `${group.summary}\n`];
  for (const { title, lines } of group.sections) {
    const width = Math.max(11, ...lines.map(([name]) => name.length + 1));
    parts.push(`${title}:\n${lines.map(([name, says]) => `  ${name.padEnd(width)} ${says}\n`).join("")}`);
  }
  if (group.globalFlags !== undefined) parts.push(`Global Options:\n${flagUsages(group.globalFlags, columns)}`);
  parts.push(`Run '${group.path} COMMAND --help' for more information on a command.\n`);
  return parts.join("\n");
}

/** The options, one a line, sorted, their descriptions wrapped into a column of their own. */
function flagUsages(flags: Readonly<Record<string, Flag>>, columns: number): string {
  const shown = Object.keys(flags)
    .filter((name) => flags[name]!.hidden !== true)
    .sort();
  const rows = shown.map((name) => {
    const flag = flags[name]!;
    const short = flag.short === undefined ? "      " : `  -${flag.short}, `;
    const type = flag.typeName === "" ? "" : ` ${flag.typeName}`;
    const fallback = flag.defaultText === undefined ? "" : ` (default ${flag.defaultText})`;
    return { left: `${short}--${name}${type}`, right: flag.help + fallback };
  });
  const indent = Math.max(0, ...rows.map((row) => row.left.length)) + 3;
  // A terminal too narrow for two columns is left to wrap by itself.
  const width = Math.max(24, columns - 1 - indent);
  return rows
    .map(({ left, right }) => `${left.padEnd(indent)}${wrapText(right, width).join(`\n${" ".repeat(indent)}`)}\n`)
    .join("");
}
