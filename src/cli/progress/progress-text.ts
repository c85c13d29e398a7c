import { humanSize } from "../format/byte-size.ts";
import type { Pace, TaskState } from "./task-board.ts";

/** `412MB of 1.2GB (34%)`, or `412MB` where the whole is not known. */
export function amountText(doneBytes: number, totalBytes: number | undefined): string {
  if (totalBytes === undefined || totalBytes <= 0) return humanSize(doneBytes);
  return `${humanSize(doneBytes)} of ${humanSize(totalBytes)} (${Math.min(100, Math.floor((doneBytes / totalBytes) * 100))}%)`;
}

/** `130MB/s, 6s left`. */
export function paceText(pace: Pace | undefined): string {
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

/** A task's line on a terminal, at most `columns` wide. */
export function taskLine(task: TaskState, labelWidth: number, columns: number, pace: Pace | undefined): string {
  const label = task.label.padEnd(labelWidth);
  let rest: string;
  if (task.endedMs !== undefined) {
    rest = task.note ?? `done ${humanSize(task.doneBytes)} in ${((task.endedMs - task.startedMs) / 1000).toFixed(1)}s`;
  } else {
    const pacing = paceText(pace);
    const amount = amountText(task.doneBytes, task.totalBytes);
    const bar = barText(task, columns - labelWidth - amount.length - pacing.length - 6);
    rest = [bar, amount, pacing].filter((part) => part !== "").join("  ");
  }
  return `${label}  ${rest}`.slice(0, Math.max(1, columns - 1));
}

function barText(task: TaskState, room: number): string {
  const width = Math.min(40, room - 2);
  if (width < 8 || task.totalBytes === undefined || task.totalBytes <= 0) return "";
  const full = Math.min(width, Math.floor((task.doneBytes / task.totalBytes) * width));
  const head = full < width ? ">" : "";
  return `[${"=".repeat(full)}${head}${" ".repeat(width - full - head.length)}]`;
}
