import { BrokenPipe, type CommandContext, type TextOutput } from "./context.ts";
import type { Command } from "./command.ts";
import { FlagError, parseArguments, type ParsedArguments } from "./parse-arguments.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { onLockWait } from "../../store/lock-wait.ts";
import { GantryError } from "../../errors/index.ts";
import { findCommand, type Noun } from "./find-command.ts";
import { Interruption } from "./interruption.ts";
import { reportError } from "./report-error.ts";
import { storeRoot } from "./store-root.ts";
import { checkOperandCount, flagUsageError, unknownCommandError } from "./usage-errors.ts";
import { usageLine } from "./help.ts";
import { onBlockedWrite } from "./write-descriptor.ts";

/** The world a command line runs in. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: { readonly fd: number; readonly isTerminal: boolean };
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

/** Flags that every verb understands though its help does not list them. */
const EVERYWHERE = {
  debug: { ...GLOBAL_FLAGS.debug, hidden: true },
  root: { ...GLOBAL_FLAGS.root, hidden: true },
};
const { short: _, ...DEBUG_LONG_ONLY } = EVERYWHERE.debug;

/**
 * Finds the verb that the words name, parses its line, runs it and tells its errors. Nothing is thrown.
 * @returns the exit status
 */
export async function dispatch(words: readonly string[], nouns: readonly Noun[], terminal: Terminal): Promise<number> {
  const state = { debug: false, runsContainer: false };
  try {
    return await run(words, nouns, terminal, state);
  } catch (error) {
    return reportError(error, terminal.stderr, state);
  }
}

interface RunState {
  debug: boolean;
  runsContainer: boolean;
}

async function run(
  words: readonly string[],
  nouns: readonly Noun[],
  terminal: Terminal,
  state: RunState,
): Promise<number> {
  const global = parse("gantry", "gantry [OPTIONS] COMMAND [ARG...]", () => parseArguments(words, GLOBAL_FLAGS, true));
  state.debug = global.flags["debug"] === true;
  if (global.flags["version"] === true) {
    const { versionLine } = await import("../version.ts");
    terminal.stdout.write(`${versionLine()}\n`);
    return 0;
  }
  let rest = global.operands;
  const wantsHelp = global.helpAsked || global.flags["help"] === true || rest[0] === "help";
  if (rest[0] === "help") rest = rest.slice(1);
  const found = findCommand(rest, nouns);
  if (found.kind !== "command") {
    const help = await import("./group-help.ts");
    if (found.kind === "unknown") throw unknownCommandError(found.path, found.word, help.suggestions(found, nouns));
    terminal.stdout.write(await help.helpOf(found.noun, nouns, terminal.stdout.columns));
    return 0;
  }
  const { command } = await found.entry.load();
  state.runsContainer = command.runsContainer === true;
  const path = `gantry ${found.typed}`;
  const flags = { debug: DEBUG_LONG_ONLY, root: EVERYWHERE.root, ...command.flags };
  const parsed = wantsHelp
    ? undefined
    : parse(path, usageLine(path, command), () => parseArguments(found.words, flags, command.optionsFirst === true));
  if (parsed === undefined || parsed.helpAsked) {
    const { commandHelp } = await import("./help.ts");
    terminal.stdout.write(commandHelp(path, command, found.entry, terminal.stdout.columns));
    return 0;
  }
  checkOperandCount(path, command, parsed.operands.length);
  // A verb's own flag of the same name (`create --debug` of some day) is not the global one.
  const own = (name: string): boolean => name in command.flags || !parsed.given.has(name);
  state.debug ||= !own("debug") && parsed.flags["debug"] === true;
  const root = (own("root") ? global.flags["root"] : parsed.flags["root"]) as string;
  return await runCommand(command, parsed, {
    ...terminal,
    debug: state.debug,
    storeRoot: storeRoot(root, terminal.environment),
  });
}

/**
 * Runs a verb. Its abort signal is pulled by Ctrl-C and SIGTERM, a second of which ends the process at once. The signal is
 * made when it is first asked for: a verb that does nothing long dies of Ctrl-C as any program does.
 */
async function runCommand(
  command: Command,
  parsed: ParsedArguments,
  context: Omit<CommandContext, "signal" | "operationEnds">,
): Promise<number> {
  const interruption = new Interruption(command.ownsSignals === true);
  // Waiting for a reader nothing can be called off: a signal then does what it does to any program, and one that has
  // come while the verb was busy has waited long enough.
  onBlockedWrite((wait) => {
    if (interruption.exitStatus !== undefined) throw new GantryError("CANCELLED", "cancelled");
    const listened = interruption.listens;
    interruption.stopListening();
    wait();
    if (listened) interruption.listen();
  });
  onLockWait(({ holder }) => {
    const who = holder === undefined ? "another process" : `${holder.command} (process ${holder.pid})`;
    context.stderr.write(`Waiting for the store's lock, which is held by ${who}\n`);
  });
  try {
    const status = await command.run(
      Object.defineProperty({ ...context, operationEnds: () => interruption.stopListening() }, "signal", {
        get: () => interruption.signal,
      }) as CommandContext,
      parsed,
    );
    return interruption.exitStatus ?? status;
  } catch (error) {
    if (interruption.exitStatus === undefined || error instanceof BrokenPipe) throw error;
    reportError(error, context.stderr, context);
    return interruption.exitStatus;
  } finally {
    interruption.stopListening();
  }
}

function parse(path: string, usage: string, read: () => ParsedArguments): ParsedArguments {
  try {
    return read();
  } catch (error) {
    if (error instanceof FlagError) throw flagUsageError(path, usage, error.message, error.suggestion);
    throw error;
  }
}
