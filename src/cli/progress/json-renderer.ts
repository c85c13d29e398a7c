import type { ProgressEvent } from "../../events/progress.ts";
import type { TextOutput } from "../framework/context.ts";
import type { Renderer } from "./renderer.ts";

const ADVANCE_EVERY_MS = 100;

/** Each event as one line of JSON (src/events/progress.ts), `advance` at most every 100 ms a task. */
export class JsonRenderer implements Renderer {
  readonly #output: TextOutput;
  readonly #clock: () => number;
  readonly #advancedMs = new Map<string, number>();

  constructor(output: TextOutput, clock: () => number) {
    this.#output = output;
    this.#clock = clock;
  }

  event(event: ProgressEvent): void {
    if (event.kind === "advance") {
      const now = this.#clock();
      if (now - (this.#advancedMs.get(event.task) ?? -Infinity) < ADVANCE_EVERY_MS) return;
      this.#advancedMs.set(event.task, now);
    }
    this.#output.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {
    // Lines are complete as they are written.
  }
}
