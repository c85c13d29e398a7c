import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestHex } from "../image/digest.ts";
import type { Digest } from "../image/types.ts";
import { chainId } from "../layer/chain-id.ts";
import { fsyncAll, fsyncTogether } from "./durable.ts";
import { faultPoint } from "./fault.ts";

/**
 * Content that a process is about to move into the store or to remove from it, by hexadecimal digest. Written, durably,
 * into its scratch directory before the first move: should the process die in between, whoever cleans the scratch
 * removes what no record names.
 */
export interface Intent {
  blobs: string[];
  layers: string[];
  chains: string[];
}

/** What goes with the last container on a chain of layers. */
export function intentOfLayers(diffIds: readonly Digest[]): Intent {
  const chain = chainId(diffIds);
  const layers = diffIds.map(digestHex);
  return { blobs: layers, layers, chains: chain === undefined ? [] : [digestHex(chain)] };
}

export const INTENT_FILE = "intent.json";
const HEX = /^[0-9a-f]{64}$/;

/** @param scratch its path; the directory above it is made durable as well */
export function writeIntent(scratch: string, intent: Intent): void {
  try {
    const paths = noteIntent(scratch, intent);
    faultPoint("intent.sync");
    fsyncTogether(paths);
  } catch (error) {
    endIntent(scratch);
    throw error;
  }
}

/** The same together with files that must be durable before the first move as well. */
export async function writeIntentWith(scratch: string, intent: Intent, files: Iterable<string>): Promise<void> {
  try {
    const paths = noteIntent(scratch, intent);
    faultPoint("intent.sync");
    await fsyncAll([...files, ...paths]);
  } catch (error) {
    endIntent(scratch);
    throw error;
  }
}

/** Writes it; what is returned has to be made durable. */
function noteIntent(scratch: string, intent: Intent): string[] {
  faultPoint("intent.write");
  const file = join(scratch, INTENT_FILE);
  writeFileSync(file, JSON.stringify(intent), { mode: 0o600 });
  return [file, scratch, dirname(scratch)];
}

/** What was intended has been done, or undone. */
export function endIntent(scratch: string): void {
  try {
    // Not rmSync, which is code that node would have to load.
    unlinkSync(join(scratch, INTENT_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** The intent left in a scratch directory; undefined if the process died before it moved anything. */
export function readIntent(scratch: string): Intent | undefined {
  let found: Partial<Intent>;
  try {
    found = JSON.parse(readFileSync(join(scratch, INTENT_FILE), "utf8")) as Partial<Intent>;
  } catch {
    return undefined; // none, or one that was not yet whole: then nothing was moved
  }
  const names = (list: unknown): string[] =>
    Array.isArray(list) ? list.filter((name): name is string => typeof name === "string" && HEX.test(name)) : [];
  return { blobs: names(found.blobs), layers: names(found.layers), chains: names(found.chains) };
}
