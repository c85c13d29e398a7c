import { existsSync, watch } from "node:fs";
import { findContainer } from "../runtime/find-container.ts";
import { type LogEntry, LogReader } from "../runtime/json-log.ts";
import type { ContainerPaths } from "../runtime/container-paths.ts";
import type { Store } from "../store/store.ts";
import { waitContainer } from "./wait-container.ts";

export interface LogOptions {
  /** Go on until the container ends. */
  follow?: boolean;
  /** Only the last lines; default all. */
  tail?: number | undefined;
  /** Only what was written at this time (milliseconds since 1970) or later. */
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
  signal?: AbortSignal;
}

/**
 * Hands out what a container has written, oldest first.
 * @param onEntry may throw to end it
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS
 */
export async function containerLogs(
  store: Store,
  given: string,
  options: LogOptions,
  onEntry: (entry: LogEntry) => void,
): Promise<void> {
  const paths = findContainer(store.layout, given);
  if (!existsSync(paths.log)) {
    if (options.follow !== true) return;
    await waitContainer(paths, { signal: options.signal }); // created but never started: nothing comes
    if (!existsSync(paths.log)) return;
  }
  const reader = new LogReader(paths.log);
  try {
    if (options.tail !== undefined) reader.seekTail(options.tail);
    const emit = (): boolean => {
      for (const entry of reader.read()) {
        const timeMs = Date.parse(entry.time);
        if (options.untilMs !== undefined && timeMs > options.untilMs) return false;
        if (options.sinceMs === undefined || timeMs >= options.sinceMs) onEntry(entry);
      }
      return true;
    };
    if (!emit() || options.follow !== true) return;
    await followLog(paths, emit, options.signal);
  } finally {
    reader.close();
  }
}

/** Emits whenever the file has grown, until the container has ended. */
function followLog(paths: ContainerPaths, emit: () => boolean, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(paths.log);
    const end = (error?: Error): void => {
      watcher.close();
      signal?.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => end();
    const onChange = (): void => {
      try {
        if (!emit()) end();
      } catch (error) {
        end(error as Error);
      }
    };
    signal?.addEventListener("abort", onAbort);
    watcher.on("change", onChange).on("error", end);
    waitContainer(paths, { onConnected: onChange, signal }).then(() => {
      onChange();
      end();
    }, end);
  });
}
