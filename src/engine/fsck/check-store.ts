import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { isGantryError, GantryError } from "../../errors/index.ts";
import type { Reporter } from "../../events/progress.ts";
import { containerIds } from "../../store/container-files.ts";
import { StoreLayout } from "../../store/layout.ts";
import { openStore } from "../../store/open-store.ts";
import { RecordLock } from "../../store/record-lock.ts";
import { makeScratch } from "../../store/scratch.ts";
import { readStoreVersion, STORE_FORMAT, storeDirectories, writeStoreVersion } from "../../store/store-version.ts";
import { checkBlobs } from "./check-blobs.ts";
import { checkChains } from "./check-chains.ts";
import { checkContainers } from "./check-containers.ts";
import { checkFiles } from "./check-files.ts";
import { checkImages } from "./check-images.ts";
import { checkLayers } from "./check-layers.ts";
import { checkRecords } from "./check-records.ts";
import { Checkup } from "./checkup.ts";
import { compareChains, holdContent, readContent, type Verified } from "./deep-check.ts";
import { type DiskUsage, diskUsage } from "./disk-usage.ts";
import { bareFinding, type Finding, findingKey, type Problem } from "./finding.ts";

export interface CheckOptions {
  /** Read every byte: digests, indexes and caches against the content. */
  deep?: boolean;
  /** Put right what can be put right. */
  repair?: boolean;
}

export interface CheckReport {
  root: string;
  /** What was found and put right. */
  repaired: Finding[];
  /** What is wrong still. Empty: the store is sound. */
  left: Finding[];
  images: number;
  layers: number;
  containers: number;
  disk: DiskUsage;
  /** Where damaged and unknown files were moved to; undefined if none was. */
  quarantine: string | undefined;
}

/** What one repair brings to light the next puts right; more rounds than this mean that it does not get better. */
const MAX_PASSES = 5;

/**
 * Checks the store at `root` against everything that ARCHITECTURE.md says of stores, and puts right what can be, if asked
 * to. Safe beside other commands: records are looked at under the record lock, content is read without it through links
 * of our own, and repairs are made under the lock, each again after a look whether it is still needed.
 *
 * Damaged and unknown files are moved to quarantine/; what has its digest's very bytes or can be made again, and nothing
 * needs, is removed.
 * @throws STORE_VERSION_UNSUPPORTED, STORE_ROOT_FOREIGN, CANCELLED, NO_SPACE
 */
export async function checkStore(root: string, options: CheckOptions, reporter: Reporter): Promise<CheckReport> {
  const layout = new StoreLayout(root);
  const repaired = new Map<string, Finding>();
  const quarantine = join(layout.quarantineDir(), new Date().toISOString().replace(/[:.]/g, "-"));
  const verified: Verified = new Set();
  let opening = openForCheck(layout);
  const scratch = makeScratch(layout.tmpDir());
  try {
    for (let pass = 1; ; pass++) {
      const checkup = new Checkup(layout, scratch.path, quarantine, reporter);
      for (const problem of opening) checkup.add(problem);
      const disk = await checkOnce(checkup, options.deep === true, verified);
      if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
      const { problems } = checkup;
      const toRepair = options.repair === true && pass < MAX_PASSES ? problems.filter(isNew(repaired)) : [];
      if (toRepair.length === 0) return report(checkup, repaired, disk);
      await repair(checkup, toRepair);
      for (const problem of toRepair) repaired.set(findingKey(problem), bareFinding(problem));
      opening = openForCheck(layout);
    }
  } finally {
    await scratch.dispose();
  }
}

/** What was tried in an earlier pass and is still there will not go away by trying again. */
function isNew(tried: ReadonlyMap<string, Finding>): (problem: Problem) => boolean {
  return (problem) => problem.repair !== undefined && !tried.has(findingKey(problem));
}

/** Opens the store as every command does, which cleans what dead processes left; as far as it can be opened. */
function openForCheck(layout: StoreLayout): Omit<Problem, "repairable">[] {
  const version = existsSync(layout.root) ? readStoreVersion(layout) : "absent";
  const isStore = existsSync(layout.imagesFile()) && existsSync(join(layout.root, "blobs"));
  if (version === "unreadable" || (version === "absent" && isStore)) {
    for (const path of storeDirectories(layout)) mkdirSync(path, { recursive: true, mode: 0o700 });
    return [
      {
        code: "version-unreadable",
        object: basename(layout.versionFile()),
        problem: version === "absent" ? "is lost" : "does not say the format of the store",
        users: [],
        remedy: `Write it again, for format ${STORE_FORMAT.version}.`,
        repair: () => writeStoreVersion(layout, STORE_FORMAT.version),
      },
    ];
  }
  try {
    openStore(layout.root);
  } catch (error) {
    // Its records cannot be read: the check says that, and what dead processes left is found as well.
    if (!isGantryError(error, "STORE_CORRUPT")) throw error;
  }
  return [];
}

/** One look at everything. */
async function checkOnce(checkup: Checkup, deep: boolean, verified: Verified): Promise<DiskUsage> {
  const lock = new RecordLock(checkup.layout.lockFile());
  const { plan, disk } = await lock.run(() => {
    for (const path of storeDirectories(checkup.layout)) mkdirSync(path, { recursive: true, mode: 0o700 });
    checkRecords(checkup);
    checkImages(checkup);
    checkBlobs(checkup);
    checkLayers(checkup);
    checkChains(checkup);
    checkContainers(checkup);
    checkFiles(checkup);
    const usage = diskUsage(checkup.layout, checkup.needs, checkup.scratch);
    if (!deep) return { plan: undefined, disk: usage };
    compareChains(checkup);
    return { plan: holdContent(checkup, verified), disk: usage };
  });
  if (plan !== undefined) await readContent(checkup, plan, verified);
  return disk;
}

async function repair(checkup: Checkup, problems: readonly Problem[]): Promise<void> {
  await new RecordLock(checkup.layout.lockFile()).run(async () => {
    for (const problem of problems) {
      try {
        await problem.repair?.();
      } catch (error) {
        // The next pass finds the problem again. Only what ends all repairs is thrown.
        if (checkup.reporter.signal.aborted || isGantryError(error, "NO_SPACE")) throw error;
        checkup.reporter.emit({
          kind: "message",
          level: "warning",
          text: `${problem.object}: ${(error as Error).message}`,
        });
      }
    }
  });
}

function report(checkup: Checkup, repaired: ReadonlyMap<string, Finding>, disk: DiskUsage): CheckReport {
  const left = checkup.problems.map(bareFinding).sort((a, b) => (findingKey(a) < findingKey(b) ? -1 : 1));
  const still = new Set(left.map(findingKey));
  return {
    root: checkup.layout.root,
    repaired: [...repaired.values()].filter((finding) => !still.has(findingKey(finding))),
    left,
    images: checkup.records.length,
    layers: checkup.needs.layers.size,
    containers: containerIds(checkup.layout).length,
    disk,
    quarantine: existsSync(checkup.quarantine) ? checkup.quarantine : undefined,
  };
}
