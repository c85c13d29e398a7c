import type { CommandContext } from "./context.ts";
import type { Completes, Flag, FlagValues } from "./flags.ts";

/*
 * How to add a verb, `gantry image frob` say, also reachable as `gantry frob`:
 *
 * 1. src/cli/commands/image/frob.ts exports one declared value:
 *
 *      export const command = defineCommand({
 *        summary: "Frob one or more images",
 *        operands: { synopsis: "IMAGE [IMAGE...]", min: 1 },
 *        flags: { "dry-run": boolFlag("Say what would be frobbed", { short: "n" }) },
 *        examples: [{ says: "Frob everything twice", line: "gantry image frob --dry-run busybox" }],
 *        async run(context, { flags, operands }) {
 *          // engine modules are imported here, as tag.ts beside it does
 *          return 0;
 *        },
 *      });
 *
 *    `flags["dry-run"]` is typed by its declaration. Engine modules are imported inside run, so that `--help`, other
 *    verbs and start-up do not pay for them. Errors are thrown (GantryError), never printed by the verb; several targets
 *    of which some may fail go through `forEachTarget` (for-each-target.ts).
 * 2. One line in src/cli/commands/image/index.ts names it and imports it lazily.
 *    The first name is the canonical one; `listed: false` leaves it out of the lists of commands.
 *
 * Help, usage errors, "did you mean" and shell completion come from the declaration.
 */

/** Everything the framework knows of one verb. */
export interface Command {
  /** One line, no full stop: shown in lists and on top of its help. */
  readonly summary: string;
  /** More, for its own help; plain text, wrapped by the author. */
  readonly description?: string;
  readonly operands: Operands;
  /** By long name without the dashes. */
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly Example[];
  /** Options end at the first operand: what follows an image's name belongs to the container's command. */
  readonly optionsFirst?: boolean;
  /** Runs a container's command: failures of gantry itself exit with 125 (exit-status.ts). */
  readonly runsContainer?: boolean;
  /** The verb handles SIGINT and SIGTERM itself (`run` passes them on): no abort on Ctrl-C. */
  readonly ownsSignals?: boolean;
  /** The exit status. */
  run(context: CommandContext, parsed: Parsed): Promise<number> | number;
}

/** The positional arguments. */
export interface Operands {
  /** As the usage line shows them: `IMAGE [COMMAND] [ARG...]`; empty for none. */
  readonly synopsis: string;
  /** Default 0. */
  readonly min?: number;
  /** Default: no limit; 0 where the synopsis is empty. */
  readonly max?: number;
  /** What shell completion offers for every operand: things of a kind, or these words. */
  readonly completes?: Completes | readonly string[];
  /** For operands after the first, where that is something else. */
  readonly completesNext?: Completes;
}

export interface Example {
  readonly says: string;
  readonly line: string;
}

/** A parsed command line of one verb. */
export interface Parsed<F extends Readonly<Record<string, Flag>> = Readonly<Record<string, Flag>>> {
  readonly flags: FlagValues<F>;
  readonly operands: readonly string[];
  /** Long names of the flags that were on the command line. */
  readonly given: ReadonlySet<string>;
}

interface Declaration<F extends Readonly<Record<string, Flag>>> extends Omit<Command, "flags" | "run"> {
  readonly flags: F;
  run(context: CommandContext, parsed: Parsed<F>): Promise<number> | number;
}

/** Declares a verb; `run` sees the flags with their types. */
export function defineCommand<const F extends Readonly<Record<string, Flag>>>(declaration: Declaration<F>): Command {
  return declaration;
}

/** One line of a noun's index.ts. */
export interface CommandEntry {
  /** The canonical name first: `["image ls", "image list", "images"]`. */
  readonly names: readonly [string, ...string[]];
  readonly load: () => Promise<{ readonly command: Command }>;
  /** Default true. */
  readonly listed?: boolean;
}
