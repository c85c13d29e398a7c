import type { ProgressEvent } from "../../events/progress.ts";
import type { TextOutput } from "../framework/context.ts";
import { sumLine } from "./progress-text.ts";
import type { Renderer } from "./renderer.ts";
import { TaskBoard } from "./task-board.ts";

const LINE_EVERY_MS = 5000;

/** For pipes and logs: messages as they come, and for what lasts a line on the whole every five seconds. */
export class PlainRenderer implements Renderer {
  readonly #output: TextOutput;
  readonly #clock: () => number;
  readonly #board = new TaskBoard();
  #lineMs: number;

  constructor(output: TextOutput, clock: () => number) {
    this.#output = output;
    this.#clock = clock;
    this.#lineMs = clock();
  }

  event(event: ProgressEvent): void {
    const now = this.#clock();
    this.#board.note(event, now);
    if (event.kind === "message") {
      this.#output.write(`${event.level === "warning" ? "warning: " : ""}${event.text}\n`);
      return;
    }
    if (now - this.#lineMs < LINE_EVERY_MS) return;
    this.#lineMs = now;
    this.#output.write(`${sumLine(this.#board, Infinity)}\n`);
  }

  close(): void {
    // Lines are complete as they are written.
  }
}
