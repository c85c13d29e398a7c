import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { artifact } from "../artifacts/locate.ts";
import { GantryError } from "../errors/index.ts";
import { LANES, nextThread, threadsAlone } from "./share-layers.ts";
import { type TaskName, type TaskReply, type TaskRequest, unpackError, type WorkerTasks } from "./worker-protocol.ts";

interface QueuedTask {
  request: TaskRequest;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

interface Member {
  worker: Worker;
  tasks: Map<number, QueuedTask>;
}

/**
 * Worker threads that run tasks, in the order of `run`: layers, where they are many, up to four a thread (share-layers.ts),
 * anything else alone. A thread is started when a task finds none free (25 to 50 ms), up to `size`; `close` ends them all
 * at once, also in the middle of a task, which is then rejected.
 */
export class WorkerPool {
  readonly #size: number;
  readonly #members: Member[] = [];
  readonly #queue: QueuedTask[] = [];
  #nextId = 1;
  #closed: Error | undefined;
  #alone = 0;

  constructor(size = availableParallelism()) {
    this.#size = Math.max(1, size);
  }

  /** Layers of these sizes come next, in this order: decides how the threads share them. */
  expectLayers(sizes: readonly number[]): void {
    this.#alone = threadsAlone(sizes, this.#size);
  }

  /** Threads that have nothing to do, those not yet started included. */
  get idle(): number {
    const busy = this.#members.filter((member) => member.tasks.size > 0).length;
    return Math.max(0, this.#size - busy - this.#queue.length);
  }

  /** @throws what the task throws; CANCELLED, or the reason given to `close`, when the pool is closed meanwhile */
  run<Name extends TaskName>(
    task: Name,
    argument: WorkerTasks[Name]["argument"],
  ): Promise<WorkerTasks[Name]["result"]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise<unknown>((resolve, reject) => {
      this.#queue.push({ request: { id: this.#nextId++, task, argument } as TaskRequest, resolve, reject });
      this.#dispatch();
    }) as Promise<WorkerTasks[Name]["result"]>;
  }

  /** Ends every thread now. Idempotent. Resolves when they have ended, so that their files can be removed. */
  async close(reason: Error = new GantryError("CANCELLED", "cancelled")): Promise<void> {
    this.#closed ??= reason;
    for (const task of this.#queue.splice(0)) task.reject(this.#closed);
    const members = this.#members.splice(0);
    for (const { tasks } of members) for (const task of tasks.values()) task.reject(this.#closed);
    await Promise.all(members.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const member = this.#memberFor(head.request.task);
      if (member === undefined) return;
      this.#queue.shift();
      member.tasks.set(head.request.id, head);
      member.worker.postMessage(head.request);
    }
  }

  #memberFor(task: TaskName): Member | undefined {
    const free = this.#members.find((member) => member.tasks.size === 0) ?? this.#start();
    if (free !== undefined || task !== "ingestLayer") return free;
    const layersOnly = ({ tasks }: Member): boolean =>
      [...tasks.values()].every((running) => running.request.task === "ingestLayer");
    const places = this.#members.map((member, i) => (i < this.#alone || !layersOnly(member) ? 1 : LANES));
    const waiting = this.#queue.findIndex((queued) => queued.request.task !== "ingestLayer");
    const running = this.#members.map((member) => member.tasks.size);
    return this.#members[nextThread(running, places, waiting < 0 ? this.#queue.length : waiting)];
  }

  #start(): Member | undefined {
    if (this.#members.length >= this.#size) return undefined;
    const worker = new Worker(artifact("worker.cjs"), { execArgv: [] });
    const member: Member = { worker, tasks: new Map() };
    worker.on("message", (reply: TaskReply) => {
      const task = member.tasks.get(reply.id);
      member.tasks.delete(reply.id);
      if ("error" in reply) task?.reject(unpackError(reply.error));
      else task?.resolve(reply.result);
      this.#dispatch();
    });
    worker.on("error", (error) => {
      this.#lose(member, error);
    });
    worker.on("exit", (status) => {
      this.#lose(member, new GantryError("INTERNAL", `a worker thread ended with status ${status}`));
    });
    this.#members.push(member);
    return member;
  }

  #lose(member: Member, error: unknown): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    for (const task of member.tasks.values()) task.reject(error);
    this.#dispatch();
  }
}
