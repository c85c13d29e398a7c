import { isIndexType, isManifestType, OCI_INDEX, OCI_MANIFEST } from "../image/media-types.ts";
import { encodeIndex } from "../image/manifest.ts";
import { digestOf } from "../image/digest.ts";
import { isJsonObject } from "../image/parse-json.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import { type ArchiveContents, type ArchiveFile, readArchiveFile } from "./contents.ts";

const BLOB = /^blobs\/sha256\/([0-9a-f]{64})$/;

/**
 * What skopeo, buildah and podman write as `dir:` seen as an OCI layout, if these contents are one: its manifest.json is
 * the image's manifest or index itself, blobs are called by their digests, the manifests of an index
 * `<digest>.manifest.json`.
 * @returns undefined for anything else: a docker-archive's manifest.json is a list
 */
export function copiedDirectory(contents: ArchiveContents): ArchiveContents | undefined {
  const manifest = contents.find("manifest.json");
  if (manifest === undefined) return undefined;
  const bytes = readArchiveFile(manifest);
  const mediaType = documentType(bytes);
  if (mediaType === undefined) return undefined;
  const hex = sha256Hex(bytes);
  const index = encodeIndex([{ mediaType, digest: digestOf(hex), size: bytes.length }]);
  const listing: ArchiveFile = { name: "manifest.json", size: index.length, location: { bytes: index } };
  return {
    label: contents.label,
    topDirectories: () => [],
    find: (name) => {
      if (name === "index.json") return listing;
      const wanted = BLOB.exec(name)?.[1];
      if (wanted === undefined) return undefined;
      return wanted === hex ? manifest : (contents.find(wanted) ?? contents.find(`${wanted}.manifest.json`));
    },
  };
}

/** The media type of a manifest or an index; undefined for what is neither. */
function documentType(bytes: Uint8Array): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // who reads it as what it is called will say what is wrong
  }
  if (!isJsonObject(document) || document["schemaVersion"] !== 2) return undefined;
  const type = document["mediaType"];
  if (typeof type === "string" && (isIndexType(type) || isManifestType(type))) return type;
  if (Array.isArray(document["manifests"])) return OCI_INDEX;
  return isJsonObject(document["config"]) ? OCI_MANIFEST : undefined;
}
