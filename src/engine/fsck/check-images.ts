import { configPlatform, parseConfig } from "../../image/config.ts";
import { parseManifest } from "../../image/manifest.ts";
import type { ImageConfig, ImageManifest } from "../../image/types.ts";
import type { ImageRecord } from "../../store/image-records.ts";
import { containerIds, readContainerFile } from "../../store/container-files.ts";
import { isDigest } from "../../image/digest.ts";
import type { Checkup } from "./checkup.ts";
import { readDocument } from "./read-document.ts";
import { imageLabel } from "./store-needs.ts";
import { writeRecords } from "./check-records.ts";

/**
 * Works out what images and containers need, and checks that each image's record, manifest and config agree. What cannot
 * be read is noted in `needs.unclear`: what it needs is then not known, and nothing must be called unneeded.
 */
export function checkImages(checkup: Checkup): void {
  for (const record of checkup.records) checkImage(checkup, record);
  for (const id of containerIds(checkup.layout)) {
    const layers = readContainerFile(checkup.layout, id, "container.json")?.["layers"];
    const label = `container ${id.slice(0, 12)}`;
    if (!Array.isArray(layers) || !layers.every(isDigest)) {
      checkup.needs.unclear.push(label);
      continue;
    }
    for (const diffId of layers) checkup.needs.needLayer(diffId, label);
    checkup.needs.needChain(layers);
  }
}

function checkImage(checkup: Checkup, record: ImageRecord): void {
  const { layout, needs } = checkup;
  const label = imageLabel(record);
  needs.needBlob(record.manifest, "manifest", label);
  needs.needBlob({ digest: record.id }, "config", label);
  for (const { descriptor, parts } of record.indexes ?? []) {
    for (const part of [descriptor, ...(parts ?? [])]) needs.needBlob(part, "index", label);
  }
  const config = parsed(readDocument(layout, record.id), parseConfig);
  const manifest = parsed(readDocument(layout, record.manifest.digest), parseManifest);
  const diffIds = config?.rootfs.diff_ids;
  if (manifest !== undefined) {
    needs.needBlob(manifest.config, "config", label);
    for (const layer of manifest.layers) needs.needBlob(layer, "layer", label);
  }
  if (diffIds !== undefined) {
    const agree = manifest?.layers.length === diffIds.length;
    for (const [n, diffId] of diffIds.entries()) {
      needs.needLayer(diffId, label, agree ? manifest.layers[n] : undefined);
    }
    needs.needChain(diffIds);
  }
  if (manifest === undefined || config === undefined) {
    needs.unclear.push(label);
    return;
  }
  checkAgreement(checkup, record, manifest, config);
}

function checkAgreement(checkup: Checkup, record: ImageRecord, manifest: ImageManifest, config: ImageConfig): void {
  const label = imageLabel(record);
  const invalid = (problem: string, remedy: string, repair?: () => void): void =>
    checkup.add({
      code: "image-invalid",
      object: label,
      problem,
      users: [],
      remedy,
      ...(repair === undefined ? {} : { repair }),
    });
  if (manifest.config.digest !== record.id) {
    invalid(
      `has a manifest whose config is ${manifest.config.digest}, not ${record.id}`,
      "Remove the image, and load it again.",
    );
  }
  if (manifest.layers.length !== config.rootfs.diff_ids.length) {
    invalid(
      `has ${manifest.layers.length} layers in its manifest but ${config.rootfs.diff_ids.length} in its config`,
      "Remove the image, and load it again.",
    );
  }
  const created = config.created ?? "";
  if (record.created !== created) {
    invalid(`is recorded as of ${record.created}, but its config says ${created}`, "Correct the record.", () =>
      writeRecords(
        checkup,
        checkup.records.map((candidate) =>
          candidate.id === record.id
            ? { ...candidate, created, platform: candidate.platform ?? configPlatform(config) }
            : candidate,
        ),
      ),
    );
  }
}

function parsed<T>(bytes: Uint8Array | undefined, parse: (bytes: Uint8Array) => T): T | undefined {
  try {
    return bytes === undefined ? undefined : parse(bytes);
  } catch {
    return undefined;
  }
}
