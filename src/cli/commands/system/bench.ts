import type { ContainerCost } from "../../../engine/bench-container.ts";
import type { DiskSpeed } from "../../../engine/bench-disk.ts";
import type { KernelSpeed } from "../../../engine/bench-kernels.ts";
import { objectFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";

/** Fields of `--format`. */
interface BenchFacts {
  StartMs: number;
  Kernels: { Name: string; PerSecond: number; Unit: string }[];
  Disk: { Path: string; WrittenPerSecond: number; ReadPerSecond: number; FsyncMs: number };
  Container: { Driver: string; StartMs: number; WholeMs: number } | { Error: string };
}

export const command = defineCommand({
  summary: "Measure what the kernels, the store's disk and a container start cost on this machine",
  description:
    "Takes a few seconds and about 100 MB of the store's disk, and leaves nothing. Kernels are measured by CPU time, one\n" +
    "thread; a load of plain layers can be no faster than SHA-256, one of compressed layers than gunzip.",
  operands: { synopsis: "" },
  flags: { format: objectFormatFlag },
  examples: [
    { says: "Is it this machine's disk or its processor?", line: "gantry system bench" },
    { says: "For a graph", line: "gantry system bench --format json" },
  ],
  async run(context, { flags }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { benchKernels } = await import("../../../engine/bench-kernels.ts");
    const { benchDisk } = await import("../../../engine/bench-disk.ts");
    const { factsRenderer } = await import("../../format/facts.ts");
    const { GantryError } = await import("../../../errors/index.ts");
    const render = flags.format === "" ? undefined : factsRenderer(flags.format);
    const say = (text: string): void => {
      if (render === undefined) context.stdout.write(text);
    };
    const throwIfCancelled = async (): Promise<void> => {
      // A turn of the event loop, so that Ctrl-C is seen.
      await new Promise((resolve) => setImmediate(resolve));
      if (context.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
    };
    const store = openStore(context.storeRoot);
    // Since the process began: node, and what of gantry every command loads.
    const startMs = performance.now();
    const kernels: KernelSpeed[] = [];
    say(line("start of gantry itself", `${startMs.toFixed(1)} ms`));
    say("\nKernels, one thread\n");
    for (const kernel of benchKernels()) {
      kernels.push(kernel);
      say(kernelLine(kernel));
      await throwIfCancelled();
    }
    const disk = await benchDisk(store);
    say(diskLines(context.storeRoot, disk));
    await throwIfCancelled();
    const container = await containerCost(store, context.signal);
    say(containerLines(container));
    if (render !== undefined) context.stdout.write(render(facts(startMs, kernels, context.storeRoot, disk, container)));
    return 0;
  },
});

type Store = ReturnType<typeof import("../../../store/open-store.ts").openStore>;

/** Not being able to run containers (rootless, an old kernel) is a result, too. */
async function containerCost(store: Store, signal: AbortSignal): Promise<ContainerCost | { error: string }> {
  const { benchContainer } = await import("../../../engine/bench-container.ts");
  const { isGantryError } = await import("../../../errors/index.ts");
  const { SILENT_REPORTER } = await import("../../../events/progress.ts");
  try {
    return await benchContainer(store, { ...SILENT_REPORTER, signal });
  } catch (error) {
    if (!isGantryError(error) || error.code === "CANCELLED") throw error;
    return { error: error.message };
  }
}

const line = (name: string, value: string): string => `  ${name.padEnd(32)} ${value.padStart(16)}\n`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB/s`;

function kernelLine({ name, perSecond, unit }: KernelSpeed): string {
  return line(name, unit === "bytes" ? megabytes(perSecond) : `${(perSecond / 1e6).toFixed(2)} M entries/s`);
}

function diskLines(root: string, disk: DiskSpeed): string {
  return [
    `\nDisk of ${root}\n`,
    line("write until durable", megabytes(disk.writtenPerSecond)),
    line("read again", megabytes(disk.readPerSecond)),
    line("small file until durable", `${disk.fsyncMs.toFixed(1)} ms`),
  ].join("");
}

function containerLines(container: ContainerCost | { error: string }): string {
  if ("error" in container) return `\nContainer\n  cannot run here: ${container.error}\n`;
  return [
    `\nContainer without a network, driver ${container.driver}\n`,
    line("request until it runs", `${container.startMs.toFixed(1)} ms`),
    line("until it has ended and is removed", `${container.wholeMs.toFixed(1)} ms`),
  ].join("");
}

function facts(
  startMs: number,
  kernels: KernelSpeed[],
  root: string,
  disk: DiskSpeed,
  container: ContainerCost | { error: string },
): BenchFacts {
  return {
    StartMs: startMs,
    Kernels: kernels.map(({ name, perSecond, unit }) => ({ Name: name, PerSecond: perSecond, Unit: unit })),
    Disk: {
      Path: root,
      WrittenPerSecond: disk.writtenPerSecond,
      ReadPerSecond: disk.readPerSecond,
      FsyncMs: disk.fsyncMs,
    },
    Container:
      "error" in container
        ? { Error: container.error }
        : { Driver: container.driver, StartMs: container.startMs, WholeMs: container.wholeMs },
  };
}
