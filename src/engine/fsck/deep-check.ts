import { existsSync, linkSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { LayerIntake } from "../../archive/layer-intake.ts";
import { isGantryError } from "../../errors/index.ts";
import { digestHex, digestOf } from "../../image/digest.ts";
import type { Digest } from "../../image/types.ts";
import { writeErofs } from "../../kernels/erofs.ts";
import { mergeChain } from "../../snapshot/chain-index.ts";
import { erofsUuid } from "../../snapshot/erofs-file.ts";
import { damagedBlob } from "./check-blobs.ts";
import { dropFile } from "./check-chains.ts";
import { damagedLayer } from "./check-layers.ts";
import { type Checkup, readFailure } from "./checkup.ts";
import { hashFile } from "./hash-file.ts";
import type { NeededBlob, NeededLayer } from "./store-needs.ts";

/** What has been read and found right, over several passes of one run: file identities. */
export type Verified = Set<string>;

/** A file held by a link of our own, so that no removal takes it away while it is read. */
interface Held<T> {
  need: T;
  link: string;
  path: string;
}

/** The content that one pass is to read. */
export interface DeepPlan {
  blobs: Held<NeededBlob>[];
  layers: Held<NeededLayer>[];
}

/** Holds everything that is to be read; the record lock is held. What quick checks found damaged is left out. */
export function holdContent(checkup: Checkup, verified: Verified): DeepPlan {
  const { layout, needs, scratch } = checkup;
  const damaged = new Set(checkup.problems.map((problem) => problem.object));
  const tars = new Set<string>();
  const hold = <T>(path: string, name: string, need: T): Held<T>[] => {
    const key = fileKey(path);
    if (key === undefined || verified.has(key) || tars.has(key)) return [];
    const link = join(scratch, name);
    rmSync(link, { force: true });
    linkSync(path, link);
    return [{ need, link, path }];
  };
  const layers = [...needs.layers.values()]
    .filter(({ diffId }) => !damaged.has(`layer ${diffId}`))
    .flatMap((layer) => hold(layout.layerTar(layer.diffId), `read-tar-${digestHex(layer.diffId)}`, layer));
  for (const { link } of layers) tars.add(fileKey(link) as string);
  const blobs = [...needs.blobs.values()]
    .filter(({ digest }) => !damaged.has(`blob ${digest}`) && existsSync(layout.blob(digest)))
    .flatMap((blob) => hold(layout.blob(blob.digest), `read-blob-${digestHex(blob.digest)}`, blob));
  return { blobs, layers };
}

/**
 * Reads all of it: every blob is hashed, every tar hashed and scanned, and its index compared with one made from the
 * scan. Tars are read by worker threads while this one hashes blobs.
 * @throws CANCELLED, NO_SPACE
 */
export async function readContent(checkup: Checkup, plan: DeepPlan, verified: Verified): Promise<void> {
  const { scratch, reporter } = checkup;
  const intake = new LayerIntake(scratch, reporter);
  const cancel = (): void => void intake.close();
  reporter.signal.addEventListener("abort", cancel);
  try {
    const bySize = plan.layers.map((held) => ({ ...held, size: statSync(held.link).size }));
    bySize.sort((a, b) => b.size - a.size);
    const reading = bySize.map((held) => readLayer(checkup, intake, held, verified));
    const all = Promise.all([...reading, intake.flush()]);
    all.catch(() => undefined);
    for (const blob of plan.blobs) await readBlob(checkup, blob, verified);
    await all;
  } finally {
    reporter.signal.removeEventListener("abort", cancel);
    await intake.close();
    for (const { link } of [...plan.blobs, ...plan.layers]) rmSync(link, { force: true });
  }
}

async function readLayer(
  checkup: Checkup,
  intake: LayerIntake,
  { need, link, size }: Held<NeededLayer> & { size: number },
  verified: Verified,
): Promise<void> {
  const { layout } = checkup;
  const label = `layer ${digestHex(need.diffId).slice(0, 12)}`;
  const file = { name: label, size, location: { path: link, offset: 0 } };
  try {
    const taken = await intake.take(file, { keepBlob: false, label });
    const found = digestOf(taken.facts.blobSha256);
    const index = readFileSync(taken.indexFile);
    rmSync(taken.indexFile, { force: true });
    if (found !== need.diffId) {
      checkup.add(damagedLayer(checkup, need, "layer-digest", `has a tar whose digest is ${found}`));
      return;
    }
    const stored = readIfThere(layout.layerIndex(need.diffId));
    if (stored !== undefined && !index.equals(stored)) {
      checkup.add(damagedLayer(checkup, need, "layer-index", "has an index that is not that of its tar"));
      return;
    }
    verified.add(fileKey(link) as string);
  } catch (error) {
    if (checkup.reporter.signal.aborted || isGantryError(error, "NO_SPACE")) throw error;
    // The tar is damaged where the scan stopped; or it is whole, and its very bytes are what the scan refuses.
    const found = await hashFile(link, checkup.reporter.signal).catch(readFailure);
    if (found === need.diffId) verified.add(fileKey(link) as string);
    else checkup.add(damagedLayer(checkup, need, "layer-digest", `has a tar whose digest is ${found}`));
  }
}

async function readBlob(checkup: Checkup, { need, link }: Held<NeededBlob>, verified: Verified): Promise<void> {
  const { reporter } = checkup;
  const task = `blob ${need.digest}`;
  reporter.emit({
    kind: "start",
    task,
    label: `blob ${digestHex(need.digest).slice(0, 12)}`,
    totalBytes: statSync(link).size,
  });
  try {
    const found = await hashFile(link, reporter.signal, (doneBytes) =>
      reporter.emit({ kind: "advance", task, doneBytes }),
    );
    if (found === need.digest) verified.add(fileKey(link) as string);
    else checkup.add(damagedBlob(checkup, need, "blob-digest", `has the bytes of ${found}`));
  } catch (error) {
    if (reporter.signal.aborted) throw error;
    checkup.add(damagedBlob(checkup, need, "blob-unreadable", `cannot be read: ${readFailure(error)}`));
  } finally {
    reporter.emit({ kind: "done", task });
  }
}

/** Makes what is cached of each chain again, in memory, and compares. The record lock is held. */
export function compareChains(checkup: Checkup): void {
  const { layout, needs } = checkup;
  const damaged = new Set(checkup.problems.map((problem) => problem.object));
  for (const [chain, diffIds] of needs.chains) {
    const name = (suffix: string): string => `chains/${digestHex(chain)}.${suffix}`;
    if (diffIds.some((diffId) => damaged.has(`layer ${diffId}`))) continue;
    const index = damaged.has(name("index")) ? undefined : readIfThere(layout.chainIndex(chain));
    const image = damaged.has(name("erofs")) ? undefined : readIfThere(layout.chainErofs(chain));
    if (index === undefined && image === undefined) continue;
    const merged = mergeChain({ readLayerIndex: (diffId) => readFileSync(layout.layerIndex(diffId)) }, diffIds);
    const drop = (suffix: string): void =>
      dropFile(checkup, `${digestHex(chain)}.${suffix}`, "chain-invalid", "is not what its layers make");
    if (index !== undefined && !index.equals(merged)) drop("index");
    if (image !== undefined && !image.equals(erofsOf(checkup, chain, diffIds, merged))) drop("erofs");
  }
}

function erofsOf({ layout }: Checkup, chain: Digest, diffIds: readonly Digest[], merged: Uint8Array): Uint8Array {
  const devices = diffIds.map((diffId) => ({ bytes: statSync(layout.layerTar(diffId)).size, tag: digestHex(diffId) }));
  return writeErofs(merged, devices, { uuid: erofsUuid(chain) }).bytes;
}

/** Tells a file, as it is now, from others and from what it was before. */
function fileKey(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}`;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
