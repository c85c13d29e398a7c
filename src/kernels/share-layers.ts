/** Layers that one thread can take in side by side (ingest-together.ts). */
export const LANES = 4;

/** How fast a thread works in all, with so many layers at a time, against one: SIMD lanes pay from three on. */
const RATES = [0, 1, 1, 1.5, 2] as const;

/**
 * How many of `threads` should take one layer at a time, the others four side by side. A layer alone in a thread is done
 * in half the time, but four together take only twice as long as one: it depends on how large the largest ones are.
 * Tried out in a model, which is cheap. `sizes` in the order in which they will be begun, any unit.
 */
export function threadsAlone(sizes: readonly number[], threads: number): number {
  let best = { alone: 0, time: Infinity };
  for (let alone = 0; alone <= threads; alone++) {
    const time = modelTime(sizes, threads, alone);
    if (time < best.time * 0.999) best = { alone, time };
  }
  return best.alone;
}

/** The time until the last layer is done; the unit is the time of one unit of size in a thread of its own. */
function modelTime(sizes: readonly number[], threads: number, alone: number): number {
  const queue = [...sizes];
  const running: number[][] = Array.from({ length: threads }, () => []);
  const places = Array.from({ length: threads }, (_, thread) => (thread < alone ? 1 : LANES));
  for (let time = 0; ;) {
    for (
      let thread;
      (thread = nextThread(
        running.map((layers) => layers.length),
        places,
        queue.length,
      )) >= 0;
    ) {
      running[thread]?.push(queue.shift() as number);
    }
    const rates = running.map((layers) => (RATES[layers.length] as number) / layers.length);
    const step = Math.min(...running.flatMap((layers, i) => layers.map((left) => left / (rates[i] as number))));
    if (step === Infinity) return time;
    time += step;
    for (const [i, layers] of running.entries()) {
      running[i] = layers.map((left) => left - step * (rates[i] as number)).filter((left) => left > 1e-6);
    }
  }
}

/**
 * The thread that takes the next of `waiting` layers, -1 for none: one with nothing to do, else the least busy one with a
 * place, but two in a thread are no faster than one after the other.
 */
export function nextThread(running: readonly number[], places: readonly number[], waiting: number): number {
  if (waiting === 0) return -1;
  let least = -1;
  for (const [thread, count] of running.entries()) {
    if (count >= (places[thread] as number) || (count === 1 && waiting < 2)) continue;
    if (least < 0 || count < (running[least] as number)) least = thread;
  }
  return least;
}
