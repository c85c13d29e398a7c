import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { artifact } from "../artifacts/locate.ts";
import { GantryError } from "../errors/index.ts";
import { type Reporter, SILENT_REPORTER } from "../events/progress.ts";
import { encodeTarHeader, END_OF_ARCHIVE, paddingBytes } from "../kernels/tar-write.ts";
import { ENTRY_REGULAR } from "../layer/format.ts";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import { importImage } from "./import-image.ts";
import { removeContainer } from "./remove-container.ts";
import { runContainer } from "./run-container.ts";
import { waitContainer } from "./wait-container.ts";

/** What a container costs besides the start of gantry's own process; milliseconds, medians. */
export interface ContainerCost {
  /** The snapshot driver that was used. */
  driver: string;
  /** From the request until the container's process runs. */
  startMs: number;
  /** Until it has ended and been removed. */
  wholeMs: number;
}

const RUNS = 7;

/**
 * Runs a small static program in containers without a network, from a store of its own within a scratch directory of
 * `store`: on the same disk, and without a trace in the user's.
 * @throws CONTAINER_START_FAILED and what else keeps containers from running here
 */
export async function benchContainer(store: Store, reporter: Reporter): Promise<ContainerCost> {
  const scratch = await store.scratch();
  const inner = openStore(join(scratch.path, "store"));
  try {
    const tar = join(scratch.path, "image.tar");
    writeFileSync(tar, programTar());
    await importImage(inner, { path: tar }, { name: "bench:1" }, SILENT_REPORTER);
    const starts: number[] = [];
    const wholes: number[] = [];
    let driver = "";
    // The first one makes the chain's EROFS image, which later ones find.
    for (let run = 0; run <= RUNS; run++) {
      if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
      const begun = performance.now();
      const request = { image: "bench:1", command: ["/program", "--version"], hostConfig: { NetworkMode: "none" } };
      const running = await runContainer(inner, request, { attached: false, interactive: false }, SILENT_REPORTER);
      await running.ready;
      starts.push(performance.now() - begun);
      driver = running.record.driver;
      await waitContainer(running.paths);
      await removeContainer(inner, running.record.id);
      wholes.push(performance.now() - begun);
    }
    return { driver, startMs: median(starts.slice(1)), wholeMs: median(wholes.slice(1)) };
  } finally {
    await scratch.dispose();
  }
}

/** The OCI runtime itself: a static program that prints its version and ends. */
function programTar(): Uint8Array {
  const program = readFileSync(artifact("native/gantry-runtime"));
  const header = encodeTarHeader({ path: "program", type: ENTRY_REGULAR, mode: 0o755, size: program.length });
  return Buffer.concat([header, program, new Uint8Array(paddingBytes(program.length)), END_OF_ARCHIVE]);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;
