import { type KernelBuild, type KernelName, bestKernelBuild, loadKernel } from "./load-kernel.ts";

/** Instances kept for reuse, per kernel and build; more are left to the garbage collector. */
const KEPT = 4;

/**
 * Instances of one kernel for reuse: making one costs about 0.1 ms and some gigabytes of reserved (not used) address
 * space, of which a process has only so much. Who takes an instance resets the kernel's state himself, gives it back
 * at most once and must not touch it, or views of its memory, after that.
 */
export class InstancePool<Exports> {
  readonly #name: KernelName;
  readonly #free = new Map<KernelBuild, Exports[]>();

  constructor(name: KernelName) {
    this.#name = name;
  }

  /** Throws `KERNEL_UNUSABLE`. */
  take(build: KernelBuild = bestKernelBuild()): Exports {
    return this.#free.get(build)?.pop() ?? (loadKernel(this.#name, { build }).exports as Exports);
  }

  give(exports: Exports, build: KernelBuild = bestKernelBuild()): void {
    const free = this.#free.get(build);
    if (free === undefined) this.#free.set(build, [exports]);
    else if (free.length < KEPT) free.push(exports);
  }
}
