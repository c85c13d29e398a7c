import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { EventReader, type RecordedEvent } from "../store/event-reader.ts";
import type { Store } from "../store/store.ts";
import { familiarParts, fullTagName } from "../image/reference.ts";

/** Which events are wanted: of the values of one property any, of different properties all; of labels all. */
export interface EventFilter {
  types?: readonly string[];
  /** Actions; `exec_create` also means `exec_create: COMMAND`. */
  actions?: readonly string[];
  /** An image's id, its name, or its name without the tag. */
  images?: readonly string[];
  /** A container's name or id, or the beginning of one. */
  containers?: readonly string[];
  /** `KEY` or `KEY=VALUE`. */
  labels?: readonly string[];
  scopes?: readonly string[];
}

export interface FollowEventsOptions {
  /** Milliseconds since 1970: what happened from then on; not given: from now on. */
  sinceMs?: number | undefined;
  /** Ends at that time, at once where it has passed; not given: when `signal` is pulled. */
  untilMs?: number | undefined;
  filter?: EventFilter;
  signal?: AbortSignal;
}

/** Where the kernel cannot tell of changes (or told too early), one looks this often. */
const POLL_MS = 500;

/**
 * Hands out what happens in the store, oldest first, as it happens: nothing is asked of anybody, the log is read.
 * @param onEvent may throw to end it
 */
export async function followEvents(
  store: Store,
  options: FollowEventsOptions,
  onEvent: (event: RecordedEvent) => void,
): Promise<void> {
  const { sinceMs, untilMs, signal, filter = {} } = options;
  const since = sinceMs === undefined ? undefined : nanoseconds(sinceMs);
  const until = untilMs === undefined ? undefined : nanoseconds(untilMs);
  const reader = new EventReader(store.layout, since === undefined);
  const emit = (): void => {
    for (const event of reader.read()) {
      if ((since !== undefined && event.timeNano < since) || (until !== undefined && event.timeNano > until)) continue;
      if (eventMatches(event, filter)) onEvent(event);
    }
  };
  emit();
  if (signal?.aborted === true || (untilMs !== undefined && untilMs <= Date.now())) return;
  await whileChanging(store.layout.eventsDir(), emit, { untilMs, signal });
  emit();
}

/** Calls `look` whenever the directory's files may have changed, until the time or the signal has come. */
function whileChanging(
  directory: string,
  look: () => void,
  { untilMs, signal }: { untilMs: number | undefined; signal: AbortSignal | undefined },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let watcher: FSWatcher | undefined;
    const end = (error?: unknown): void => {
      watcher?.close();
      clearInterval(poll);
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error("following events failed", { cause: error }));
    };
    const stop = (): void => end();
    const tick = (): void => {
      try {
        look();
        // Not by the timer alone: setTimeout knows no delay above 24 days.
        if (untilMs !== undefined && Date.now() >= untilMs) end();
      } catch (error) {
        end(error);
      }
    };
    const poll = setInterval(tick, POLL_MS);
    const left = untilMs === undefined ? Infinity : untilMs - Date.now();
    const timer = left < POLL_MS ? setTimeout(stop, left) : undefined;
    signal?.addEventListener("abort", stop);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      watcher = watch(directory, tick);
      watcher.on("error", () => undefined);
    } catch {
      // polling will do
    }
    tick();
  });
}

function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}

/** Whether an event passes. */
export function eventMatches(event: RecordedEvent, filter: EventFilter): boolean {
  const { types, actions, images, containers, labels, scopes } = filter;
  const any = (wanted: readonly string[] | undefined, test: (value: string) => boolean): boolean =>
    wanted === undefined || wanted.length === 0 || wanted.some(test);
  return (
    any(types, (type) => type === event.type) &&
    any(scopes, (scope) => scope === event.scope) &&
    any(actions, (action) => action === event.action || event.action.startsWith(`${action}:`)) &&
    any(images, (image) => isOfImage(event, image)) &&
    any(containers, (name) => event.type === "container" && isOfContainer(event, name)) &&
    (labels ?? []).every((label) => hasLabel(event.attributes, label))
  );
}

function isOfImage({ type, id, attributes }: RecordedEvent, wanted: string): boolean {
  const name = attributes[type === "image" ? "name" : "image"] ?? "";
  return [id, name, withoutTag(name)].includes(wanted) || (wanted !== "" && withLatest(wanted) === withLatest(name));
}

function isOfContainer({ id, attributes }: RecordedEvent, wanted: string): boolean {
  const name = attributes["name"] ?? "";
  const given = wanted.startsWith("/") ? wanted.slice(1) : wanted;
  return id.startsWith(given) || name.startsWith(given);
}

function withoutTag(name: string): string {
  try {
    return familiarParts(fullTagName(name)).repository;
  } catch {
    return name;
  }
}

function withLatest(name: string): string {
  try {
    return fullTagName(name);
  } catch {
    return name;
  }
}

function hasLabel(attributes: Readonly<Record<string, string>>, label: string): boolean {
  const equals = label.indexOf("=");
  if (equals < 0) return Object.hasOwn(attributes, label);
  return attributes[label.slice(0, equals)] === label.slice(equals + 1);
}
