import { existsSync, rmSync, type Stats, statSync } from "node:fs";
import { digestHex } from "../../image/digest.ts";
import type { Digest } from "../../image/types.ts";
import type { Checkup } from "./checkup.ts";
import { readFailure } from "./checkup.ts";
import type { Problem } from "./finding.ts";
import { readDocument } from "./read-document.ts";
import { linkBlobToTar, putBlob, remadeManifest, setAsideUnless } from "./remake.ts";
import type { NeededBlob } from "./store-needs.ts";
import { hashFile } from "./hash-file.ts";

/** Checks that every blob that is needed is there, in its size, and that documents have their digest's bytes. */
export function checkBlobs(checkup: Checkup): void {
  for (const blob of checkup.needs.blobs.values()) {
    const problem = blobProblem(checkup, blob);
    if (problem !== undefined) checkup.add(problem);
  }
}

function blobProblem(checkup: Checkup, blob: NeededBlob): Omit<Problem, "repairable"> | undefined {
  const { layout } = checkup;
  const path = layout.blob(blob.digest);
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return damagedBlob(checkup, blob, "blob-unreadable", `cannot be read: ${readFailure(error)}`);
  }
  if (found === undefined) return missingBlob(checkup, blob);
  if (!found.isFile()) return damagedBlob(checkup, blob, "blob-unreadable", "is no regular file");
  if (blob.sizeBytes !== undefined && found.size !== blob.sizeBytes) {
    return damagedBlob(checkup, blob, "blob-size", `is ${found.size} bytes long, not ${blob.sizeBytes}`);
  }
  const isDocument = blob.role === "manifest" || blob.role === "config";
  if (isDocument && readDocument(layout, blob.digest) === undefined) {
    return damagedBlob(checkup, blob, "blob-digest", "has not the bytes that its digest says");
  }
  return undefined;
}

function missingBlob(checkup: Checkup, blob: NeededBlob): Omit<Problem, "repairable"> {
  const again = wayBack(checkup, blob);
  return {
    code: "blob-missing",
    object: nameOf(blob),
    problem: "is not in the store",
    users: blob.users,
    ...(again ?? { remedy: loadAgain(blob) }),
  };
}

/** A blob whose file is wrong: made again where that can be done, else taken out of the way of the next load. */
export function damagedBlob(
  checkup: Checkup,
  blob: NeededBlob,
  code: "blob-size" | "blob-digest" | "blob-unreadable",
  problem: string,
): Omit<Problem, "repairable"> {
  const path = checkup.layout.blob(blob.digest);
  const again = wayBack(checkup, blob);
  return {
    code,
    object: nameOf(blob),
    problem,
    users: blob.users,
    remedy: `Move it into quarantine. ${again === undefined ? loadAgain(blob) : again.remedy}`,
    repair: async () => {
      if (existsSync(path)) await setAsideUnless(checkup, path, blob.digest);
      // Where nothing has its bytes, the next pass says so.
      await again?.repair();
    },
  };
}

/** How the blob's very bytes can be had from what is in the store; undefined where they cannot. */
function wayBack(checkup: Checkup, blob: NeededBlob): { remedy: string; repair: () => Promise<void> } | undefined {
  const { layout, reporter } = checkup;
  const path = layout.blob(blob.digest);
  if (blob.role === "manifest") {
    const record = checkup.records.find((candidate) => candidate.manifest.digest === blob.digest);
    const bytes = record === undefined ? undefined : remadeManifest(layout, record);
    if (bytes === undefined) return undefined;
    return {
      remedy: "Make it again from the image's config and layers.",
      repair: () => putBlob(checkup, blob.digest, bytes),
    };
  }
  const tar = layout.layerTar(blob.digest);
  if (blob.role !== "layer" || !existsSync(tar) || isSame(tar, path)) return undefined;
  return {
    remedy: "Link it to the layer's tar, which has the same bytes.",
    repair: async () => {
      if ((await hashFile(tar, reporter.signal)) === blob.digest) linkBlobToTar(checkup, blob.digest);
    },
  };
}

/** Removes a blob that nothing needs. */
export function unneededBlob(checkup: Checkup, digest: Digest): Omit<Problem, "repairable"> {
  return {
    code: "blob-unneeded",
    object: `blob ${digest}`,
    problem: "is needed by no image",
    users: [],
    remedy: "Remove it.",
    repair: () => rmSync(checkup.layout.blob(digest), { force: true }),
  };
}

function nameOf({ role, digest }: NeededBlob): string {
  return role === "layer" ? `blob ${digest}` : `${role} ${digest}`;
}

function loadAgain({ role, digest, users }: NeededBlob): string {
  const what = role === "layer" ? "the layer" : `the ${role}`;
  return `Load ${users.join(", ")} again, from an archive that has ${what} ${digestHex(digest).slice(0, 12)}.`;
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [statSync(a), statSync(b, { throwIfNoEntry: false })];
  return first.ino === second?.ino && first.dev === second.dev;
}
