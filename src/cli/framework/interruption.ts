/** Turns the first SIGINT or SIGTERM into an abort and lets the second end the process. */
export class Interruption {
  readonly #passive: boolean;
  #controller: AbortController | undefined;
  #listens = false;
  /** 128 and the signal's number once one came. */
  exitStatus: number | undefined;

  /** @param passive the verb listens to signals itself: the abort signal is never pulled */
  constructor(passive: boolean) {
    this.#passive = passive;
  }

  /** Who reads this wants to be told: it listens from now on. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    this.listen();
    return this.#controller.signal;
  }

  get listens(): boolean {
    return this.#listens;
  }

  listen(): void {
    if (this.#listens || this.#passive) return;
    this.#listens = true;
    process.on("SIGINT", this.#interrupt).on("SIGTERM", this.#interrupt);
  }

  /** From here on a signal does what it does to any program. */
  stopListening(): void {
    if (!this.#listens) return;
    this.#listens = false;
    process.off("SIGINT", this.#interrupt).off("SIGTERM", this.#interrupt);
  }

  readonly #interrupt = (signal: NodeJS.Signals): void => {
    const status = signal === "SIGTERM" ? 143 : 130;
    if (this.exitStatus !== undefined) process.exit(status);
    this.exitStatus = status;
    this.#controller?.abort();
  };
}
