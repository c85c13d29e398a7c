import { isGantryError } from "../errors/index.ts";
import { containerEvent } from "../runtime/container-event.ts";
import type { ContainerPaths } from "../runtime/container-paths.ts";
import { readContainerRecord } from "../runtime/container-record.ts";
import { readContainerStatus } from "../runtime/container-status.ts";
import { signalNumber } from "../runtime/signals.ts";
import type { Store } from "../store/store.ts";
import { findContainer } from "../runtime/find-container.ts";
import { signalContainer } from "./signal-container.ts";
import { waitContainer } from "./wait-container.ts";

/** Seconds between the stop signal and SIGKILL where neither the user nor the container's creator says. */
const DEFAULT_STOP_TIMEOUT = 10;
const SIGKILL = 9;

export interface StopOptions {
  /** Seconds before SIGKILL; negative: never. Default: the container's own, else 10. */
  timeoutSeconds?: number | undefined;
  /** Default: the container's own, else SIGTERM. */
  signal?: string | undefined;
}

/**
 * Ends a running container: its stop signal, then SIGKILL if it has not ended in time. Resolves when it has ended; a
 * container that is not running is left as it is.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, SIGNAL_INVALID
 */
export async function stopContainer(store: Store, given: string, options: StopOptions = {}): Promise<void> {
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  const { config } = record;
  const signal = signalNumber(options.signal || config.StopSignal || "TERM");
  const timeoutSeconds = options.timeoutSeconds ?? config.StopTimeout ?? DEFAULT_STOP_TIMEOUT;
  if (readContainerStatus(paths).state !== "running") return;
  const ended = waitContainer(paths).then((): true => true);
  await signalIfRunning(store, paths, given, signal);
  if (!(await within(ended, timeoutSeconds))) await signalIfRunning(store, paths, given, SIGKILL);
  await ended;
  containerEvent(store.layout, record, "stop");
}

async function signalIfRunning(store: Store, paths: ContainerPaths, given: string, signal: number): Promise<void> {
  try {
    await signalContainer(store, paths, given, signal);
  } catch (error) {
    if (!isGantryError(error, "CONTAINER_NOT_RUNNING")) throw error;
  }
}

/** Whether the promise resolves in time; a negative time is no limit. */
async function within(ended: Promise<true>, seconds: number): Promise<boolean> {
  if (seconds < 0) return await ended;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1000);
  });
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
