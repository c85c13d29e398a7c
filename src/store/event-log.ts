import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { StoreLayout } from "./layout.ts";

/*
 * What happened in the store, for `gantry events`: there is no daemon that could be asked. One JSON line an event, in
 * Docker's shape, appended with one write under O_APPEND, so that writers need no lock. The files are numbered; the one
 * with the highest number is written to, and one that is full is followed by the next. Nothing is ever renamed: whoever
 * still writes to an older file is read all the same. The shim writes the same lines (native/shim/src/event.rs).
 */

/** Bytes after which a file is followed by the next. */
const FULL_BYTES = 1 << 20;
/** So many files are kept: some 10 000 events or more. */
const KEPT_FILES = 4;
const FILE_NAME = /^(\d{8})\.jsonl$/;

export interface StoreEvent {
  type: "container" | "image" | "volume" | "network";
  /** Docker's word: `create`, `die`, `untag` ... */
  action: string;
  /** Of the object; empty where there is none (`prune`). */
  id: string;
  /** Docker's: `name`, `image`, labels, `exitCode` ...; printed and stored sorted by name. */
  attributes: Readonly<Record<string, string>>;
}

/**
 * Appends an event. Never throws and never waits: a command does not fail because its event could not be written (a
 * read-only store, a full disk).
 */
export function recordEvent(layout: StoreLayout, event: StoreEvent): void {
  try {
    append(layout.eventsDir(), `${eventLine(event, nowNanoseconds())}\n`);
  } catch {
    // The events are for onlookers.
  }
}

/** The numbered files, oldest first, as paths. */
export function eventFiles(layout: StoreLayout): string[] {
  const directory = layout.eventsDir();
  return fileNames(directory).map((name) => join(directory, name));
}

/** The event as Docker's API has it, with the legacy fields that its clients still print, on one line. */
export function eventLine({ type, action, id, attributes }: StoreEvent, timeNano: bigint): string {
  const names = Object.keys(attributes).sort();
  const legacy = {
    status: action,
    ...(id === "" ? {} : { id }),
    ...(type === "container" && attributes["image"] !== undefined ? { from: attributes["image"] } : {}),
  };
  const text = JSON.stringify({
    ...(type === "container" || type === "image" ? legacy : {}),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: Object.fromEntries(names.map((name) => [name, attributes[name]])) },
    scope: "local",
    time: Number(timeNano / 1_000_000_000n),
  });
  // More digits than a number of JavaScript holds.
  return `${text.slice(0, -1)},"timeNano":${timeNano}}`;
}

let lastNanoseconds = 0n;

/** The clock gives milliseconds; events of one process stay in order all the same. */
function nowNanoseconds(): bigint {
  const now = BigInt(Date.now()) * 1_000_000n;
  lastNanoseconds = now > lastNanoseconds ? now : lastNanoseconds + 1000n;
  return lastNanoseconds;
}

function append(directory: string, line: string): void {
  let fd = openCurrent(directory, 0);
  try {
    if (fstatSync(fd).size >= FULL_BYTES) {
      closeSync(fd);
      fd = openCurrent(directory, 1);
    }
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

/** Opens the newest file, or (`ahead` 1) the one after it, which somebody else may have begun meanwhile. */
function openCurrent(directory: string, ahead: 0 | 1): number {
  const names = fileNames(directory);
  const newest = Number.parseInt(names.at(-1) ?? "0", 10);
  const number = Math.max(1, newest + ahead);
  if (names.length === 0 && !existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (ahead === 1) for (const old of names.slice(0, 1 - KEPT_FILES)) unlinkSync(join(directory, old));
  const path = join(directory, `${String(number).padStart(8, "0")}.jsonl`);
  return openSync(path, "a", 0o600);
}

function fileNames(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => FILE_NAME.test(name))
      .sort();
  } catch {
    return [];
  }
}
