import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A directory of this test file, removed at its end. */
export function scratchDirectory(name: string): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), `gantry-bridge-${name}-`));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const isRoot = process.getuid?.() === 0;

/** For `it.skipIf`: says why on the way. */
export function lacksRoot(): boolean {
  if (!isRoot) process.stderr.write("skipped: needs root\n");
  return !isRoot;
}
