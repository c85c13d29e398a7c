import type { ProgressEvent } from "../../events/progress.ts";

/** What is known of one task: a layer being read, an archive being written. */
export interface TaskState {
  readonly label: string;
  /** When its first bytes were done; undefined while it waits. */
  activeMs: number | undefined;
  totalBytes: number | undefined;
  doneBytes: number;
  /** When it ended; undefined while it runs. */
  endedMs: number | undefined;
  note: string | undefined;
}

/** Bytes a second over the last seconds, and what that means for the rest. */
export interface Pace {
  readonly bytesPerSecond: number;
  readonly secondsLeft: number | undefined;
}

const WINDOW_MS = 3000;

/** Keeps the state of all tasks from their events; times are milliseconds of any one clock. */
export class TaskBoard {
  readonly tasks = new Map<string, TaskState>();
  /** Points of (time, bytes of all tasks) in the window that the rate is taken over. */
  readonly #points: { ms: number; bytes: number }[] = [];

  /** Takes in an event; a message changes nothing here. */
  note(event: ProgressEvent, nowMs: number): void {
    if (event.kind === "message") return;
    if (event.kind === "start") {
      this.tasks.set(event.task, {
        label: event.label,
        activeMs: undefined,
        totalBytes: event.totalBytes,
        doneBytes: 0,
        endedMs: undefined,
        note: undefined,
      });
      return;
    }
    const task = this.tasks.get(event.task);
    if (task === undefined) return;
    if (event.kind === "advance") {
      if (event.doneBytes > 0) task.activeMs ??= nowMs;
      task.doneBytes = event.doneBytes;
      if (event.totalBytes !== undefined) task.totalBytes = event.totalBytes;
    } else {
      task.activeMs ??= nowMs;
      task.endedMs = nowMs;
      task.doneBytes = task.totalBytes ?? task.doneBytes;
      task.note = event.note;
    }
    this.#measure(nowMs);
  }

  /** Bytes done and to do of all tasks; `totalBytes` is undefined while any running task's is. */
  sum(): { doneBytes: number; totalBytes: number | undefined; ended: number } {
    let doneBytes = 0;
    let totalBytes: number | undefined = 0;
    let ended = 0;
    for (const task of this.tasks.values()) {
      doneBytes += task.doneBytes;
      if (task.endedMs !== undefined) ended++;
      const total = task.totalBytes ?? (task.endedMs === undefined ? undefined : task.doneBytes);
      totalBytes = totalBytes === undefined || total === undefined ? undefined : totalBytes + total;
    }
    return { doneBytes, totalBytes, ended };
  }

  /** The rate of all tasks together; undefined until there is something to measure. */
  pace(): Pace | undefined {
    const first = this.#points[0];
    const last = this.#points.at(-1);
    if (first === undefined || last === undefined || last.ms - first.ms < 100) return undefined;
    const bytesPerSecond = ((last.bytes - first.bytes) / (last.ms - first.ms)) * 1000;
    const { doneBytes, totalBytes } = this.sum();
    const left = totalBytes === undefined ? undefined : Math.max(0, totalBytes - doneBytes);
    return {
      bytesPerSecond,
      secondsLeft: left === undefined || bytesPerSecond <= 0 ? undefined : left / bytesPerSecond,
    };
  }

  #measure(nowMs: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined && nowMs - last.ms < 50) return;
    this.#points.push({ ms: nowMs, bytes: this.sum().doneBytes });
    while (this.#points.length > 2 && nowMs - this.#points[0]!.ms > WINDOW_MS) this.#points.shift();
  }
}
