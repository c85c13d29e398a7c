import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { isLocked } from "../../bridge/index.ts";
import { digestOf } from "../../image/digest.ts";
import type { Digest } from "../../image/types.ts";
import { unneededBlob } from "./check-blobs.ts";
import { unneededLayer } from "./check-layers.ts";
import type { Checkup } from "./checkup.ts";
import { isKnownEntry } from "./disk-usage.ts";
import type { Problem } from "./finding.ts";

const HEX = /^[0-9a-f]{64}$/;
const CHAIN_FILE = /^[0-9a-f]{64}\.(index|erofs|spill|facts|tree)$/;

/** Looks for what nothing needs and for what gantry did not put there. */
export function checkFiles(checkup: Checkup): void {
  const { layout, needs } = checkup;
  for (const name of readdirSync(layout.root)) {
    const path = join(layout.root, name);
    if (!isKnownEntry(layout, path)) unknownFile(checkup, path);
  }
  for (const name of readdirSync(join(layout.root, "blobs"))) {
    if (name !== "sha256") unknownFile(checkup, join(layout.root, "blobs", name));
  }
  for (const name of readdirSync(layout.blobsDir())) {
    const digest = digestOf(name);
    if (!HEX.test(name)) unknownFile(checkup, join(layout.blobsDir(), name));
    else if (!needs.blobs.has(digest) && !isLayerOfUnclear(checkup, digest)) {
      addUnneeded(checkup, unneededBlob(checkup, digest));
    }
  }
  for (const name of readdirSync(layout.layersDir())) {
    const diffId = digestOf(name);
    const path = join(layout.layersDir(), name);
    if (!HEX.test(name) || !lstatSync(path).isDirectory()) unknownFile(checkup, path);
    else if (!needs.layers.has(diffId)) addUnneeded(checkup, unneededLayer(checkup, diffId));
    else {
      for (const file of readdirSync(path)) {
        if (file !== "tar" && file !== "index") unknownFile(checkup, join(path, file));
      }
    }
  }
  for (const name of readdirSync(layout.chainsDir())) {
    if (!CHAIN_FILE.test(name)) unknownFile(checkup, join(layout.chainsDir(), name));
  }
  for (const name of readdirSync(layout.containersDir())) {
    if (!HEX.test(name)) unknownFile(checkup, join(layout.containersDir(), name));
  }
  checkScratch(checkup);
}

/** A blob that has the bytes of a layer of an image whose manifest is lost: it will be needed, and takes no space. */
function isLayerOfUnclear({ needs }: Checkup, digest: Digest): boolean {
  return needs.unclear.length > 0 && needs.layers.has(digest);
}

/** While it is not known what a damaged image needs, nothing is removed that may be its. */
function addUnneeded(checkup: Checkup, problem: Omit<Problem, "repairable">): void {
  const { unclear } = checkup.needs;
  if (unclear.length === 0) {
    checkup.add(problem);
    return;
  }
  const { repair: _, ...finding } = problem;
  const who = unclear.join(", ");
  checkup.add({
    ...finding,
    problem: `is needed by nothing that can be read; ${who} may need it`,
    remedy: `Repair or remove ${who} first.`,
  });
}

function unknownFile(checkup: Checkup, path: string): void {
  checkup.add({
    code: "file-unknown",
    object: relative(checkup.layout.root, path),
    problem: "is not gantry's",
    users: [],
    remedy: "Move it into quarantine.",
    repair: () => {
      if (existsSync(path)) checkup.setAside(path);
    },
  });
}

/** What commands that died left in tmp/; it is the first thing that any command removes. */
function checkScratch(checkup: Checkup): void {
  const { layout, scratch } = checkup;
  for (const name of readdirSync(layout.tmpDir())) {
    const path = join(layout.tmpDir(), name);
    if (name === basename(scratch) || isLocked(path)) continue;
    checkup.add({
      code: "scratch-abandoned",
      object: `tmp/${name}`,
      problem: "belongs to no running command",
      users: [],
      remedy: "Remove it.",
      repair: () => {
        if (!isLocked(path)) rmSync(path, { recursive: true, force: true });
      },
    });
  }
}
