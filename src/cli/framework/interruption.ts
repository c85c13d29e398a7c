/** Turns the first SIGINT or SIGTERM into an abort and lets the second end the process. */
export class Interruption {
  readonly #passive: boolean;
  #controller: AbortController | undefined;
  /** 128 and the signal's number once one came. */
  exitStatus: number | undefined;

  /** @param passive the verb listens to signals itself: the abort signal is never pulled */
  constructor(passive: boolean) {
    this.#passive = passive;
  }

  /** Listening starts when this is first read. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (!this.#passive) process.on("SIGINT", this.#interrupt).on("SIGTERM", this.#interrupt);
    }
    return this.#controller.signal;
  }

  stopListening(): void {
    if (this.#controller === undefined || this.#passive) return;
    process.off("SIGINT", this.#interrupt).off("SIGTERM", this.#interrupt);
  }

  readonly #interrupt = (signal: NodeJS.Signals): void => {
    const status = signal === "SIGTERM" ? 143 : 130;
    if (this.exitStatus !== undefined) process.exit(status);
    this.exitStatus = status;
    this.#controller?.abort();
  };
}
