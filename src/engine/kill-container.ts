import { findContainer } from "../runtime/find-container.ts";
import { signalNumber } from "../runtime/signals.ts";
import type { Store } from "../store/store.ts";
import { signalContainer } from "./signal-container.ts";
import { waitContainer } from "./wait-container.ts";

const SIGKILL = 9;

/**
 * Sends a signal to a container; after SIGKILL it waits until the container has ended.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, CONTAINER_NOT_RUNNING, SIGNAL_INVALID
 */
export async function killContainer(store: Store, given: string, signal: string): Promise<void> {
  const number = signalNumber(signal);
  const paths = findContainer(store.layout, given);
  await signalContainer(store, paths, given, number);
  if (number === SIGKILL) await waitContainer(paths);
}
