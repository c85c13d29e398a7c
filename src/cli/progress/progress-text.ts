import { humanSize } from "../format/byte-size.ts";
import type { Pace, TaskBoard, TaskState } from "./task-board.ts";

/** `412MB of 1.2GB (34%)`, or `412MB` where the whole is not known. */
function amountText(doneBytes: number, totalBytes: number | undefined): string {
  if (totalBytes === undefined || totalBytes <= 0) return humanSize(doneBytes);
  return `${humanSize(doneBytes)} of ${humanSize(totalBytes)} (${Math.min(100, Math.floor((doneBytes / totalBytes) * 100))}%)`;
}

/** `130MB/s, 6s left`. */
function paceText(pace: Pace | undefined): string {
  if (pace === undefined) return "";
  const left = pace.secondsLeft === undefined ? "" : `, ${secondsText(pace.secondsLeft)} left`;
  return `${humanSize(pace.bytesPerSecond)}/s${left}`;
}

/** `7s`, `2m05s`, `1h02m`: whole seconds, rounded up. */
export function secondsText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`;
}

/** A task's line on a terminal, at most `columns` wide: bar, amount, rate and time left while it runs. */
export function taskLine(task: TaskState, labelWidth: number, columns: number, nowMs: number): string {
  return cut(`${task.label.padEnd(labelWidth)}  ${taskText(task, columns - labelWidth - 2, nowMs)}`, columns);
}

/** The line on all tasks together: `3 of 9 done, 412MB of 1.2GB (34%), 130MB/s, 6s left`. */
export function sumLine(board: TaskBoard, columns: number): string {
  const { doneBytes, totalBytes, ended } = board.sum();
  const first = board.tasks.values().next().value;
  const what = board.tasks.size === 1 && first !== undefined ? first.label : `${ended} of ${board.tasks.size} done`;
  const parts = [what, amountText(doneBytes, totalBytes), paceText(board.pace())];
  return cut(parts.filter((part) => part !== "").join(", "), columns);
}

function taskText(task: TaskState, columns: number, nowMs: number): string {
  if (task.endedMs !== undefined) {
    const seconds = (task.endedMs - (task.activeMs ?? task.endedMs)) / 1000;
    return task.note ?? `${humanSize(task.doneBytes)} in ${seconds.toFixed(1)}s`;
  }
  const amount = amountText(task.doneBytes, task.totalBytes);
  if (task.activeMs === undefined)
    return task.totalBytes === undefined ? "waiting" : `waiting, ${humanSize(task.totalBytes)}`;
  const pacing = paceText(ownPace(task, nowMs));
  const bar = barText(task, columns - amount.length - pacing.length - 5);
  return [bar, amount, pacing].filter((part) => part !== "").join("  ");
}

/** The task's mean rate since its first bytes; undefined in its first fifth of a second. */
function ownPace(task: TaskState, nowMs: number): Pace | undefined {
  const seconds = (nowMs - (task.activeMs ?? nowMs)) / 1000;
  if (seconds < 0.2) return undefined;
  const bytesPerSecond = task.doneBytes / seconds;
  const left = task.totalBytes === undefined ? undefined : Math.max(0, task.totalBytes - task.doneBytes);
  return { bytesPerSecond, secondsLeft: left === undefined ? undefined : left / bytesPerSecond };
}

function cut(line: string, columns: number): string {
  return line.slice(0, Math.max(1, columns - 1));
}

function barText(task: TaskState, room: number): string {
  const width = Math.min(40, room - 2);
  if (width < 8 || task.totalBytes === undefined || task.totalBytes <= 0) return "";
  const full = Math.min(width, Math.floor((task.doneBytes / task.totalBytes) * width));
  const head = full < width ? ">" : "";
  return `[${"=".repeat(full)}${head}${" ".repeat(width - full - head.length)}]`;
}
