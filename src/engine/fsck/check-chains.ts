import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../image/digest.ts";
import type { Digest } from "../../image/types.ts";
import { readChainIndex } from "../../snapshot/chain-index.ts";
import { checkErofsFile, erofsUuid } from "../../snapshot/erofs-file.ts";
import type { Checkup } from "./checkup.ts";
import { moveAndRemove } from "./check-layers.ts";

/** The files of chains/, with the extension that says which. */
const CHAIN_FILE = /^([0-9a-f]{64})\.(index|erofs|spill|facts|tree)$/;

/** Checks what chains/ holds: caches, which are made again at the next use when they are removed. */
export function checkChains(checkup: Checkup): void {
  const { layout, needs } = checkup;
  for (const name of readdirSync(layout.chainsDir())) {
    const [, hex, kind] = CHAIN_FILE.exec(name) ?? [];
    if (hex === undefined) continue; // an unknown file: checkFiles says so
    const chain = digestOf(hex);
    const diffIds = needs.chains.get(chain);
    if (diffIds === undefined) {
      // A damaged image may be the one that needs it; but a cache is no loss.
      dropFile(checkup, name, "chain-unneeded", "is needed by no image and no container");
      continue;
    }
    const problem = chainFileProblem(checkup, name, kind as string, chain, diffIds);
    if (problem !== undefined) dropFile(checkup, name, "chain-invalid", problem);
  }
}

/** Reports a cache that is to be made again. */
export function dropFile(
  checkup: Checkup,
  name: string,
  code: "chain-invalid" | "chain-unneeded",
  problem: string,
): void {
  const path = join(checkup.layout.chainsDir(), name);
  checkup.add({
    code,
    object: `chains/${name}`,
    problem,
    users: [],
    remedy: code === "chain-invalid" ? "Remove it: it is made again at the next use." : "Remove it.",
    repair: () => {
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) moveAndRemove(path, checkup.scratch);
      else rmSync(path, { force: true });
    },
  });
}

function chainFileProblem(
  { layout }: Checkup,
  name: string,
  kind: string,
  chain: Digest,
  diffIds: readonly Digest[],
): string | undefined {
  try {
    if (kind === "index" && readChainIndex(layout.chainIndex(chain), diffIds.length) === undefined) {
      return "is not the index of its chain";
    }
    if (kind === "erofs") {
      const sizes = diffIds.map((diffId) => statSync(layout.layerTar(diffId), { throwIfNoEntry: false })?.size ?? -1);
      if (sizes.includes(-1)) return undefined; // the layers' check says so, and the image may still be good
      const devices = checkErofsFile(layout.chainErofs(chain), erofsUuid(chain), sizes, layout.chainSpill(chain));
      if (devices === undefined) return "is not the file system of its chain, whole";
    }
    if (kind === "facts") JSON.parse(readFileSync(layout.chainFacts(chain), "utf8"));
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
  return undefined;
}
