/** Text that goes to the user: standard output or standard error. */
export interface TextOutput {
  /** The file descriptor, for those who stream bytes themselves. */
  readonly fd: number;
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 where there is none. */
  readonly columns: number;
  /** Writes all of it before it returns. @throws {BrokenPipe} when nobody reads any more */
  write(text: string): void;
}

/** What a verb may know of the world it was called in. Tests make their own. */
export interface CommandContext {
  /** The store's root: `--root`, else GANTRY_ROOT, else the default. Absolute. */
  readonly storeRoot: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: { readonly fd: number; readonly isTerminal: boolean };
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** Aborts on Ctrl-C; hand it on to every long operation. */
  readonly signal: AbortSignal;
  /** What was cancellable is over: Ctrl-C ends the process at once again, until somebody asks for the signal anew. */
  readonly operationEnds?: () => void;
  /** `--debug`: show where unexpected errors come from. */
  readonly debug: boolean;
}

/** Nobody reads our output any more (`gantry images | head -1`): the command ends quietly, as SIGPIPE would end it. */
export class BrokenPipe extends Error {
  readonly exitStatus = 141;
}
