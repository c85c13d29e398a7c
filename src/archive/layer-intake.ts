import { close as closeFile, closeSync, fdatasync, open as openFile, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { type Compression, detectCompression, MAGIC_BYTES } from "../kernels/detect-compression.ts";
import { type GrowingFile, makeGrowingFile } from "../kernels/growing-file.ts";
import { ingestLayer, type LayerFacts, type LayerIngest } from "../kernels/ingest-layer.ts";
import { WorkerPool } from "../kernels/pool.ts";
import type { ArchiveFile } from "./contents.ts";

/** Starting threads costs more than hashing this much. */
const INLINE_BYTES = 5 * 1024 * 1024;
/** From here on it pays to hash a layer in one thread and to do everything else in another. */
const SPLIT_BYTES = 16 * 1024 * 1024;
const PROGRESS_MS = 100;

/** A layer that is in scratch, hashed, scanned and indexed. */
export interface TakenLayer {
  facts: LayerFacts;
  /** Its bytes as received; undefined if they were not asked for. */
  blobFile: string | undefined;
  /** The uncompressed tar; the same file as `blobFile` for a layer that came uncompressed. */
  tarFile: string;
  indexFile: string;
}

export interface IntakeOptions {
  /** Keep the bytes as received, also of a compressed layer. */
  keepBlob: boolean;
  /** How progress calls it. */
  label: string;
  /** The file is still being written. */
  growing?: GrowingFile;
}

interface Task {
  /** What events call it: the label, and a number where that is another's already. */
  id: string;
  job: LayerIngest;
  start: (result: Promise<LayerFacts>) => void;
  /** Files that grow while it runs. */
  outputs: string[];
  label: string;
}

/**
 * Takes layers into a scratch directory: small amounts in this thread, more by worker threads, in the order of `take`.
 * A file in `scratch` is used where it lies; any other is copied while it is read.
 */
export class LayerIntake {
  readonly #scratch: string;
  readonly #reporter: Reporter;
  readonly #limits: ArchiveLimits;
  readonly #taken = new Map<ArchiveFile, Promise<TakenLayer>>();
  readonly #backlog: Task[] = [];
  readonly #running = new Set<Task>();
  readonly #labels = new Map<string, number>();
  #backlogBytes = 0;
  #pool: WorkerPool | undefined;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(scratch: string, reporter: Reporter, limits: ArchiveLimits = {}) {
    this.#scratch = scratch;
    this.#limits = limits;
    this.#reporter = reporter;
  }

  /** Begins, or waits its turn until `flush`. The same file is taken once. The promise never goes unhandled. */
  take(file: ArchiveFile, options: IntakeOptions): Promise<TakenLayer> {
    let taken = this.#taken.get(file);
    if (taken === undefined) {
      taken = this.#queue(file, options);
      taken.catch(() => undefined);
      this.#taken.set(file, taken);
    }
    return taken;
  }

  /** Nothing more comes soon: does what waits, here, unless there is enough of it for workers. */
  async flush(): Promise<void> {
    if (this.#pool !== undefined || this.#backlogBytes > INLINE_BYTES) this.#toWorkers();
    for (const task of this.#backlog.splice(0)) {
      this.#throwIfCancelled();
      task.start(ingestLayer(task.job));
      // A turn of the event loop, so that a signal is seen.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#backlogBytes = 0;
  }

  /** Ends the threads, at once. */
  async close(reason?: Error): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool?.close(reason);
  }

  #queue(file: ArchiveFile, options: IntakeOptions): Promise<TakenLayer> {
    const name = (suffix: string): string => join(this.#scratch, `taken-${this.#count}.${suffix}`);
    this.#count++;
    const { source, inPlace } = this.#source(file, name("blob"), options.growing);
    const indexFile = name("index");
    const tarFile = name("tar");
    const copy = name("copy");
    const job: LayerIngest = {
      label: file.name,
      source,
      indexFile,
      tarFile,
      limits: this.#limits,
      ...(inPlace ? {} : { copyFile: copy, keepCompressed: options.keepBlob }),
      doneBytes: new SharedArrayBuffer(8),
    };
    const task: Task = {
      id: this.#idOf(options.label),
      job,
      outputs: inPlace ? [tarFile] : [copy, tarFile],
      label: options.label,
      start: () => undefined,
    };
    const facts = new Promise<LayerFacts>((resolve) => {
      task.start = (result) => {
        this.#watch(task, result);
        resolve(result);
      };
    });
    this.#backlog.push(task);
    this.#backlogBytes += file.size;
    // A stream's members come one by one; the layers of a file all at once, and then `flush` knows how they compare.
    if (options.growing !== undefined && this.#backlogBytes > INLINE_BYTES) this.#toWorkers();
    const received = inPlace ? source.path : copy;
    return facts.then((found) => ({
      facts: found,
      blobFile: found.compression === "none" || inPlace || options.keepBlob ? received : undefined,
      tarFile: found.compression === "none" ? received : tarFile,
      indexFile,
    }));
  }

  #idOf(label: string): string {
    const times = (this.#labels.get(label) ?? 0) + 1;
    this.#labels.set(label, times);
    return times === 1 ? label : `${label} ${times}`;
  }

  #source(
    file: ArchiveFile,
    fresh: string,
    growing: GrowingFile | undefined,
  ): { source: LayerIngest["source"]; inPlace: boolean } {
    const { location, size } = file;
    if ("bytes" in location) {
      writeFileSync(fresh, location.bytes, { flag: "wx", mode: 0o600 });
      return { source: { path: fresh, offset: 0, size }, inPlace: true };
    }
    const inPlace = location.path.startsWith(`${this.#scratch}/`) && location.offset === 0;
    const { path, offset } = location;
    return { source: { path, offset, size, ...(growing === undefined ? {} : { growing }) }, inPlace };
  }

  #toWorkers(): void {
    const pool = (this.#pool ??= new WorkerPool());
    const tasks = this.#backlog.splice(0);
    // Of a stream nobody knows what is still to come.
    const known = tasks.every((task) => task.job.source.growing === undefined);
    if (known) pool.expectLayers(tasks.map((task) => task.job.source.size));
    for (const task of tasks) {
      const { job } = task;
      const { size } = job.source;
      // One layer that is most of the work, or the last one: two threads share it, if there is more to do than to hash.
      const large = known && size >= SPLIT_BYTES && size > this.#backlogBytes / 2 && pool.idle > 1;
      const compression = large ? compressionAt(job.source) : "none";
      const split = large && (job.copyFile !== undefined || compression !== "none");
      task.start(split ? ingestInTwo(pool, job, compression) : pool.run("ingestLayer", job));
    }
    this.#backlogBytes = 0;
  }

  /** Progress of a task, and its bytes on their way to the disk while it goes on. */
  #watch(task: Task, result: Promise<LayerFacts>): void {
    this.#running.add(task);
    this.#reporter.emit({ kind: "start", task: task.id, label: task.label, totalBytes: task.job.source.size });
    this.#timer ??= setInterval(() => {
      for (const running of this.#running) this.#advance(running);
    }, PROGRESS_MS).unref();
    const end = (): void => {
      this.#running.delete(task);
      this.#reporter.emit({ kind: "done", task: task.id });
    };
    result.then(end, end);
  }

  #advance(task: Task): void {
    const [doneBytes = 0] = new Float64Array(task.job.doneBytes as SharedArrayBuffer);
    if (doneBytes === 0) return;
    this.#reporter.emit({ kind: "advance", task: task.id, doneBytes, totalBytes: task.job.source.size });
    for (const path of task.outputs) beginWriteback(path);
  }

  #throwIfCancelled(): void {
    if (this.#reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
  }
}

/**
 * Takes a layer in with two threads: one reads, decompresses, scans and writes, the other hashes the tar as it is written.
 * The first is queued first, so the second never waits for one that cannot start.
 */
async function ingestInTwo(pool: WorkerPool, job: LayerIngest, compression: Compression): Promise<LayerFacts> {
  const growing = makeGrowingFile();
  const plain = compression === "none";
  const path = plain ? (job.copyFile ?? job.source.path) : job.tarFile;
  const blob = plain ? undefined : job.source;
  const ingested = pool.run("ingestLayer", { ...job, hashedElsewhere: growing });
  const [facts, hashes] = await Promise.all([ingested, pool.run("hashLayer", { tar: { path, growing }, blob })]);
  return { ...facts, ...hashes };
}

function compressionAt({ path, offset }: LayerIngest["source"]): Compression {
  const fd = openSync(path, "r");
  try {
    const start = Buffer.alloc(MAGIC_BYTES);
    return detectCompression(start.subarray(0, readSync(fd, start, 0, MAGIC_BYTES, offset)));
  } finally {
    closeSync(fd);
  }
}

/** Starts to bring a file's bytes to the disk, so that the fsync at the end finds few left. Failing does not matter. */
function beginWriteback(path: string): void {
  openFile(path, "r", (error, fd) => {
    if (error === null) fdatasync(fd, () => closeFile(fd));
  });
}
