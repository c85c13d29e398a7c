import type { ProgressEvent } from "../../events/progress.ts";
import type { TextOutput } from "../framework/context.ts";
import { sumLine, taskLine } from "./progress-text.ts";
import type { Renderer } from "./renderer.ts";
import { TaskBoard, type TaskState } from "./task-board.ts";

const FRAME_MS = 100;
/** What is over by then shows nothing: no flicker for small images. */
const QUIET_MS = 200;
const MAX_LIVE_LINES = 12;

export interface TtyOptions {
  /** Milliseconds that only grow. */
  readonly clock: () => number;
  readonly colour: boolean;
}

/**
 * Live lines at the bottom of a terminal: one a running task and one on all. A task that ends leaves its line behind. Draws when events
 * come, at most every 100 ms; no timer keeps the process alive.
 */
export class TtyRenderer implements Renderer {
  readonly #output: TextOutput;
  readonly #options: TtyOptions;
  readonly #board = new TaskBoard();
  readonly #finished = new Set<string>();
  readonly #startedMs: number;
  #frameMs: number;
  #drawnLines = 0;

  constructor(output: TextOutput, options: TtyOptions) {
    this.#output = output;
    this.#options = options;
    this.#startedMs = this.#frameMs = options.clock();
  }

  event(event: ProgressEvent): void {
    const now = this.#options.clock();
    this.#board.note(event, now);
    if (event.kind === "message") {
      this.#draw(`${event.level === "warning" ? this.#styled("33", "warning: ") : ""}${event.text}\n`);
      return;
    }
    if (now - this.#startedMs < QUIET_MS || now - this.#frameMs < FRAME_MS) return;
    this.#frameMs = now;
    this.#draw("");
  }

  close(): void {
    if (this.#drawnLines > 0 || this.#finished.size > 0) this.#draw("", true);
  }

  /** One frame: lines above (`text`, tasks that ended) scroll away, the live ones are written anew. */
  #draw(text: string, last = false): void {
    const erase = this.#drawnLines === 0 ? "" : `\x1b[${this.#drawnLines}A\r\x1b[J`;
    let above = text;
    const live: string[] = [];
    const columns = this.#output.columns;
    const shown = [...this.#board.tasks].filter(([name]) => !this.#finished.has(name));
    const width = Math.max(0, ...[...this.#board.tasks.values()].map((task) => task.label.length));
    const line = (task: TaskState): string => {
      const plain = taskLine(task, Math.min(width, 40), columns, this.#options.clock());
      return `${task.endedMs === undefined ? plain : this.#styled("2", plain)}\n`;
    };
    const started = this.#options.clock() - this.#startedMs >= QUIET_MS;
    for (const [name, task] of shown) {
      if (!started) break;
      if (task.endedMs !== undefined) {
        above += line(task);
        this.#finished.add(name);
      } else if (!last && live.length < MAX_LIVE_LINES) live.push(line(task));
    }
    if (live.length > 0 && this.#board.tasks.size > 1) live.push(`${sumLine(this.#board, columns)}\n`);
    this.#drawnLines = live.length;
    if (erase !== "" || above !== "" || live.length > 0) this.#output.write(erase + above + live.join(""));
  }

  #styled(code: string, text: string): string {
    return this.#options.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}
