import { statSync } from "node:fs";
import { join } from "node:path";
import type { Reporter } from "../events/progress.ts";
import { GantryError } from "../errors/index.ts";
import type { Digest } from "../image/types.ts";
import { chainId } from "../layer/chain-id.ts";
import { checkErofsFile, erofsUuid } from "./erofs-file.ts";
import { type ChainStore, layerMissing, publishChain, writeScratchFile } from "./publish-chain.ts";
import type { LowerPlan, Snapshotter } from "./snapshotter.ts";

/**
 * Runs images without unpacking them: one EROFS image a chain, metadata only, whose files are ranges of the layers' tars.
 * The warm path reads one block of it and looks at the tars' sizes; kernels and merging are loaded for the cold path only.
 *
 * Driver `erofs` has the kernel mount the files themselves (Linux 6.12 and later), `erofs-loop` through loop devices.
 */
export class ErofsSnapshotter implements Snapshotter {
  readonly #store: ChainStore;

  constructor(
    store: ChainStore,
    readonly driver: "erofs" | "erofs-loop",
  ) {
    this.#store = store;
  }

  async prepare(diffIds: readonly Digest[], reporter: Reporter): Promise<LowerPlan> {
    const chain = chainId(diffIds);
    if (chain === undefined) return { type: "empty" };
    const { layout } = this.#store;
    const image = layout.chainErofs(chain);
    const tars = diffIds.map((diffId) => layout.layerTar(diffId));
    const layerBytes = tars.map((tar, i) => {
      const found = statSync(tar, { throwIfNoEntry: false });
      if (found === undefined) throw layerMissing(diffIds[i]!);
      return found.size;
    });
    if (this.driver === "erofs-loop") requireWholeSectors(layerBytes, diffIds);
    const uuid = erofsUuid(chain);
    const devices =
      checkErofsFile(image, uuid, layerBytes, layout.chainSpill(chain)) ??
      (await this.#make(chain, diffIds, tars, layerBytes, uuid, reporter));
    const plan = {
      type: "erofs",
      image,
      devices: devices > tars.length ? [...tars, layout.chainSpill(chain)] : tars,
    } as const;
    return this.driver === "erofs-loop" ? { ...plan, loop: true } : plan;
  }

  /** Makes index, image and spill file. The image comes last: where it is, the others are. Returns its device count. */
  async #make(
    chain: Digest,
    diffIds: readonly Digest[],
    tars: readonly string[],
    layerBytes: readonly number[],
    uuid: Uint8Array,
    reporter: Reporter,
  ): Promise<number> {
    const [{ mergeChain, readChainIndex }, { writeErofs }] = await Promise.all([
      import("./chain-index.ts"),
      import("../kernels/erofs.ts"),
    ]);
    const { layout } = this.#store;
    const cachedIndex = readChainIndex(layout.chainIndex(chain), diffIds.length);
    const index = cachedIndex ?? mergeChain(this.#store, diffIds);
    const devices = layerBytes.map((bytes, i) => ({ bytes, tag: diffIds[i]!.slice("sha256:".length) }));
    const made = writeErofs(index, devices, { uuid });
    const scratch = await this.#store.scratch();
    try {
      const moves: { from: string; to: string }[] = [];
      const put = (name: string, to: string, bytes: Uint8Array): void => {
        writeScratchFile(join(scratch.path, name), bytes);
        moves.push({ from: join(scratch.path, name), to });
      };
      if (cachedIndex === undefined) put("chain.index", layout.chainIndex(chain), index);
      if (made.spillBytes > 0) {
        const { writeSpill } = await import("./spill.ts");
        const spill = join(scratch.path, "chain.spill");
        await writeSpill(spill, made.spillBytes, made.copies, tars, reporter.signal);
        moves.push({ from: spill, to: layout.chainSpill(chain) });
      }
      put("chain.erofs", layout.chainErofs(chain), made.bytes);
      await publishChain(this.#store, diffIds, moves);
    } finally {
      await scratch.dispose();
    }
    return made.spillBytes > 0 ? tars.length + 1 : tars.length;
  }
}

/** A loop device has whole sectors only: the end of a tar that is cut off behind its last file would not be seen. */
function requireWholeSectors(layerBytes: readonly number[], diffIds: readonly Digest[]): void {
  const at = layerBytes.findIndex((bytes) => bytes % 512 !== 0);
  if (at < 0) return;
  throw new GantryError(
    "EROFS_UNREPRESENTABLE",
    `cannot use loop devices for layer ${diffIds[at]!}: its tar has ${layerBytes[at]!} bytes, not a multiple of 512`,
    { remedy: "Set GANTRY_SNAPSHOTTER=unpack." },
  );
}
