import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fsyncDirectory } from "./durable.ts";
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

const FILE = "intent.json";
const HEX = /^[0-9a-f]{64}$/;

/** @param scratch its path; the directory above it is made durable as well */
export function writeIntent(scratch: string, intent: Intent): void {
  faultPoint("intent.write");
  const fd = openSync(join(scratch, FILE), "w", 0o600);
  try {
    writeFileSync(fd, JSON.stringify(intent));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  faultPoint("intent.sync");
  fsyncDirectory(scratch);
  fsyncDirectory(join(scratch, ".."));
}

/** The intent left in a scratch directory; undefined if the process died before it moved anything. */
export function readIntent(scratch: string): Intent | undefined {
  let found: Partial<Intent>;
  try {
    found = JSON.parse(readFileSync(join(scratch, FILE), "utf8")) as Partial<Intent>;
  } catch {
    return undefined; // none, or one that was not yet whole: then nothing was moved
  }
  const names = (list: unknown): string[] =>
    Array.isArray(list) ? list.filter((name): name is string => typeof name === "string" && HEX.test(name)) : [];
  return { blobs: names(found.blobs), layers: names(found.layers), chains: names(found.chains) };
}
