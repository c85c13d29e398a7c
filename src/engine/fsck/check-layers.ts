import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { digestHex } from "../../image/digest.ts";
import type { Digest } from "../../image/types.ts";
import { layerProblem } from "../../store/layer-problem.ts";
import { type Checkup, readFailure } from "./checkup.ts";
import type { FindingCode, Problem } from "./finding.ts";
import { hashFile } from "./hash-file.ts";
import { isOther, linkBlobToTar, remakeLayer, sourcesOfLayer } from "./remake.ts";
import type { NeededLayer } from "./store-needs.ts";

/** Checks that every layer that is needed has a tar and an index that fit each other. */
export function checkLayers(checkup: Checkup): void {
  for (const layer of checkup.needs.layers.values()) {
    const problem = problemOf(checkup, layer) ?? doubledLayer(checkup, layer);
    if (problem !== undefined) checkup.add(problem);
  }
}

function problemOf(checkup: Checkup, layer: NeededLayer): Omit<Problem, "repairable"> | undefined {
  const { layout } = checkup;
  const { diffId, tarBytes } = layer;
  try {
    const found = layerProblem(layout, diffId);
    if (found !== undefined) return damagedLayer(checkup, layer, `layer-${found.kind}`, found.says);
    const { size } = statSync(layout.layerTar(diffId));
    if (tarBytes === undefined || size === tarBytes) return undefined;
    return damagedLayer(checkup, layer, "layer-size", `has a tar of ${size} bytes, not ${tarBytes}`);
  } catch (error) {
    return damagedLayer(checkup, layer, "layer-unreadable", `cannot be read: ${readFailure(error)}`);
  }
}

/** A layer to be made again from what there is. */
export function damagedLayer(
  checkup: Checkup,
  layer: NeededLayer,
  code: Extract<FindingCode, `layer-${string}`>,
  problem: string,
): Omit<Problem, "repairable"> {
  const sources = sourcesOfLayer(checkup.layout, layer);
  const from = code === "layer-index" ? "its tar" : "the blobs";
  const load = `Load ${layer.users.join(", ")} again, from an archive that has the layer ${digestHex(layer.diffId).slice(0, 12)}.`;
  return {
    code,
    object: `layer ${layer.diffId}`,
    problem,
    users: layer.users,
    remedy: sources.length === 0 ? load : `Make tar and index again from ${from}.`,
    ...(sources.length === 0 ? {} : { repair: () => remakeLayer(checkup, layer) }),
  };
}

/** The same bytes twice on the disk: blob and tar are to be one file. */
function doubledLayer(checkup: Checkup, { diffId, users }: NeededLayer): Omit<Problem, "repairable"> | undefined {
  const { layout, reporter } = checkup;
  const [tar, blob] = [layout.layerTar(diffId), layout.blob(diffId)];
  if (!existsSync(blob) || !isOther(tar, blob)) return undefined;
  return {
    code: "layer-twice",
    object: `layer ${diffId}`,
    problem: "takes its space twice: its tar and its blob, which have the same bytes, are two files",
    users,
    remedy: "Make the blob a hard link to the tar.",
    repair: async () => {
      if ((await hashFile(tar, reporter.signal)) === diffId) linkBlobToTar(checkup, diffId);
    },
  };
}

/** Removes a layer that nothing needs. */
export function unneededLayer(checkup: Checkup, diffId: Digest): Omit<Problem, "repairable"> {
  const { layout, scratch } = checkup;
  return {
    code: "layer-unneeded",
    object: `layer ${diffId}`,
    problem: "is needed by no image and no container",
    users: [],
    remedy: "Remove it.",
    repair: () => moveAndRemove(layout.layerDir(diffId), scratch),
  };
}

/** Removes a directory in one step for everybody else. */
export function moveAndRemove(path: string, scratch: string): void {
  const aside = join(scratch, "removed");
  renameSync(path, aside);
  rmSync(aside, { recursive: true, force: true });
}
