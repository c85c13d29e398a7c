import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { lockFile, tryLockFile } from "../bridge/index.ts";
import { fileError, GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import { parseIndex } from "../image/manifest.ts";
import type { ImageIndex } from "../image/types.ts";
import { requireSpace } from "../store/free-space.ts";
import { LayoutPlan } from "./layout-plan.ts";
import { layoutIndex } from "./layout-index.ts";
import type { ArchiveItem } from "./oci-items.ts";
import { invalidOutput, requireParent } from "./output-file.ts";
import type { SavedEntry } from "./saved-entry.ts";

/** What goes into a layout directory. */
export interface LayoutContent {
  blobs: ArchiveItem[];
  entries: SavedEntry[];
  /** For index.json. */
  annotations: Record<string, string> | undefined;
}

/**
 * Writes an OCI image layout (image-layout.md) as a directory. A new one appears whole or not at all. To one that is there
 * images are added, as skopeo and umoci do it: blobs first, index.json last and in one step, so that it is a whole layout
 * at every moment; nothing in it is removed but the lines of names that move.
 * @returns the bytes written
 * @throws OUTPUT_INVALID for what is neither an OCI layout nor an empty directory; NO_SPACE, CANCELLED, BLOB_MISSING,
 * STORE_CORRUPT, MANIFEST_INVALID, SYSTEM_CALL_FAILED
 */
export async function writeLayout(path: string, content: LayoutContent, reporter: Reporter): Promise<number> {
  const plan = new LayoutPlan(content.blobs);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return await makeLayout(path, plan, content, reporter);
    if (!found.isDirectory()) throw invalidLayout(path, "it is a file");
    return await addToLayout(path, plan, content, reporter);
  } catch (error) {
    throw error instanceof GantryError ? error : fileError(error, `cannot write ${path}`);
  } finally {
    plan.close();
  }
}

async function makeLayout(path: string, plan: LayoutPlan, content: LayoutContent, reporter: Reporter): Promise<number> {
  const target = resolve(path);
  requireParent(path, target);
  removeLeftovers(target);
  requireSpace(dirname(target), plan.totalBytes, `writing ${path}`);
  const making = join(dirname(target), `${unfinishedPrefix(target)}${randomBytes(6).toString("hex")}`);
  mkdirSync(making);
  const lock = tryLockFile(making);
  try {
    await plan.write(making, reporter);
    plan.finish(making, layoutIndex(undefined, content.entries, content.annotations));
    renameSync(making, target);
    return plan.totalBytes;
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    throw error;
  } finally {
    lock?.release();
  }
}

async function addToLayout(
  path: string,
  plan: LayoutPlan,
  content: LayoutContent,
  reporter: Reporter,
): Promise<number> {
  const target = realpathSync(path);
  // Two that add at once would each write an index without the other's lines.
  const lock = await lockFile(target, { signal: reporter.signal });
  try {
    const known = readLayoutIndex(path, target);
    plan.leaveOut((name, size) => statSync(join(target, name), { throwIfNoEntry: false })?.size === size);
    requireSpace(target, plan.totalBytes, `writing ${path}`);
    try {
      await plan.write(target, reporter);
      plan.finish(target, layoutIndex(known, content.entries, content.annotations));
    } catch (error) {
      plan.undo(target);
      throw error;
    }
    return plan.totalBytes;
  } finally {
    lock.release();
  }
}

/** @returns undefined for an empty directory */
function readLayoutIndex(path: string, target: string): ImageIndex | undefined {
  if (readdirSync(target).length === 0) return undefined;
  const index = join(target, "index.json");
  if (!existsSync(join(target, "oci-layout"))) throw invalidLayout(path, "it is a directory, but no OCI image layout");
  return existsSync(index) ? parseIndex(readFileSync(index), index) : undefined;
}

function invalidLayout(path: string, why: string): GantryError {
  return invalidOutput(path, why, "Name a directory that is not there yet, an empty one, or an OCI image layout.");
}

function unfinishedPrefix(target: string): string {
  return `.${basename(target)}.unfinished-`;
}

/** Removes what a save to the same place left that was killed: nobody holds its lock any more. */
function removeLeftovers(target: string): void {
  const prefix = unfinishedPrefix(target);
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{12}$/.test(name.slice(prefix.length))) continue;
    const path = join(dirname(target), name);
    const lock = tryLockFile(path);
    if (lock === undefined) continue;
    rmSync(path, { recursive: true, force: true });
    lock.release();
  }
}
