/**
 * A file that one thread writes and another reads at the same time: the page cache is the ring buffer between them, this
 * is its write position. Shared memory: { i64 bytes written, i64 1 when all of them are }.
 */
export type GrowingFile = SharedArrayBuffer;

const WRITTEN = 0;
const ENDED = 1;

/** The position is told in steps: waking a thread costs more than copying this much. */
const STEP_BYTES = 256 * 1024;
const SHORT_WAIT_MS = 5;

export function makeGrowingFile(): GrowingFile {
  return new SharedArrayBuffer(16);
}

/** The writing side. */
export class GrowingFileWriter {
  readonly #cells: BigInt64Array;
  #written = 0;
  #told = 0;

  constructor(file: GrowingFile) {
    this.#cells = new BigInt64Array(file);
  }

  /** `bytes` more can be read. */
  advance(bytes: number): void {
    this.#written += bytes;
    if (this.#written - this.#told >= STEP_BYTES) this.#tell();
  }

  /** No more will come, be it that all is written or that writing failed: the reader then finds the file short. */
  end(): void {
    Atomics.store(this.#cells, ENDED, 1n);
    this.#tell();
  }

  #tell(): void {
    this.#told = this.#written;
    Atomics.store(this.#cells, WRITTEN, BigInt(this.#written));
    Atomics.notify(this.#cells, WRITTEN);
  }
}

/**
 * How many bytes can be read, once they are more than `at` or no more will come. Blocks the thread; a worker that is
 * terminated wakes.
 */
export function readableBytes(file: GrowingFile, at: number): { bytes: number; ended: boolean } {
  const cells = new BigInt64Array(file);
  for (;;) {
    // In this order: what was written before the end was told is then seen.
    const ended = Atomics.load(cells, ENDED) === 1n;
    const written = Atomics.load(cells, WRITTEN);
    if (ended || Number(written) > at) return { bytes: Number(written), ended };
    Atomics.wait(cells, WRITTEN, written, 1000);
  }
}

/** Whether there are more than `at` bytes, or no more will come: `readableBytes` then does not block. */
export function isReadable(file: GrowingFile, at: number): boolean {
  const cells = new BigInt64Array(file);
  return Atomics.load(cells, ENDED) === 1n || Number(Atomics.load(cells, WRITTEN)) > at;
}

/** Blocks the thread until there are more than `at` bytes, but not for longer than other streams can wait. */
export function awaitGrowth(file: GrowingFile, at: number): void {
  const cells = new BigInt64Array(file);
  if (!isReadable(file, at)) Atomics.wait(cells, WRITTEN, Atomics.load(cells, WRITTEN), SHORT_WAIT_MS);
}
