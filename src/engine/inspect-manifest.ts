import { GantryError, isGantryError } from "../errors/index.ts";
import { parseIndex, parseManifest } from "../image/manifest.ts";
import { isIndexType, OCI_INDEX, OCI_MANIFEST } from "../image/media-types.ts";
import { isJsonObject, parseJson } from "../image/parse-json.ts";
import { formatReference, parseReference } from "../image/reference.ts";
import type { Descriptor, Digest, Platform } from "../image/types.ts";
import type { Store } from "../store/store.ts";

/** A manifest or an index of the store, as received. */
export interface ManifestDocument {
  descriptor: Descriptor;
  bytes: Uint8Array;
  /** The manifests that an index lists, in its order; undefined for a manifest. */
  manifests?: Descriptor[];
}

/** What `docker manifest inspect --verbose` prints of one manifest, in its order. */
export interface ManifestDetails {
  Ref: string;
  Descriptor: Descriptor;
  /** The bytes, base64. */
  Raw?: string;
  SchemaV2Manifest?: unknown;
  OCIManifest?: unknown;
}

/**
 * The index that a reference means, or its manifest if it came without one; `name@digest` also finds one manifest of an
 * index, and what else belongs to it (nested indexes, attestations).
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, BLOB_MISSING, MANIFEST_INVALID
 */
export function inspectManifest(store: Store, reference: string): ManifestDocument {
  const descriptor = findDescriptor(store, reference);
  const bytes = store.readBlob(descriptor.digest);
  const what = `the manifest ${descriptor.digest}`;
  if (!isIndexType(descriptor.mediaType)) {
    parseManifest(bytes, what);
    return { descriptor, bytes };
  }
  return { descriptor, bytes, manifests: parseIndex(bytes, what).manifests };
}

/**
 * The details of a document: of an index one for each manifest, where those that the store does not have lack their
 * contents; of a manifest one.
 */
export function manifestDetails(store: Store, reference: string, document: ManifestDocument): ManifestDetails[] {
  const full = fullName(reference);
  const repository = full?.replace(/[:@][^/]*$/, "") ?? reference;
  const details = (descriptor: Descriptor, Ref: string): ManifestDetails => {
    if (!store.hasBlob(descriptor.digest)) return { Ref, Descriptor: descriptor };
    const bytes = store.readBlob(descriptor.digest);
    const content = parseJson(bytes, `the manifest ${descriptor.digest}`, "MANIFEST_INVALID");
    const oci = descriptor.mediaType === OCI_MANIFEST || descriptor.mediaType === OCI_INDEX;
    return {
      Ref,
      Descriptor: descriptor,
      Raw: Buffer.from(bytes).toString("base64"),
      ...(oci ? { OCIManifest: content } : { SchemaV2Manifest: content }),
    };
  };
  if (document.manifests === undefined) {
    return [details({ ...document.descriptor, ...platformOf(store, document) }, full ?? reference)];
  }
  return document.manifests.map((each) => details(each, `${full?.replace(/@.*/, "") ?? repository}@${each.digest}`));
}

/** A manifest found by itself says no platform: its config does. */
function platformOf(store: Store, { bytes, descriptor }: ManifestDocument): { platform?: Platform } {
  const config = parseManifest(bytes, `the manifest ${descriptor.digest}`).config.digest;
  const image = store.images().find(({ id }) => id === config);
  return image === undefined ? {} : { platform: image.platform };
}

function findDescriptor(store: Store, reference: string): Descriptor {
  try {
    const { image, index } = store.resolveNamed(reference);
    return index ?? image.manifest;
  } catch (error) {
    if (!isGantryError(error, "IMAGE_NOT_FOUND")) throw error;
    const part = findPart(store, reference);
    if (part !== undefined) return part;
    throw new GantryError("IMAGE_NOT_FOUND", `no such manifest: ${fullName(reference) ?? reference}`, {
      remedy: "Load the image first: only the store is looked at.",
      details: error.details,
      cause: error,
    });
  }
}

/** A document that is no image of its own but belongs to an index of the store. */
function findPart(store: Store, reference: string): Descriptor | undefined {
  const digest = /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1] as Digest | undefined;
  if (digest === undefined || !store.hasBlob(digest)) return undefined;
  const name = fullName(reference)?.replace(/@.*/, "") ?? "";
  const repository = name.replace(/:[^/]*$/, "");
  for (const { indexes } of store.images()) {
    for (const { names, parts = [] } of indexes) {
      const part = parts.find((candidate) => candidate.digest === digest);
      const inside = names.some((known) => known.slice(0, known.lastIndexOf(":")) === repository);
      if (part !== undefined && inside && isManifestDocument(store, part)) return part;
    }
  }
  return undefined;
}

function isManifestDocument(store: Store, { digest }: Descriptor): boolean {
  const content = parseJson(store.readBlob(digest), `the blob ${digest}`, "MANIFEST_INVALID");
  return isJsonObject(content) && content["schemaVersion"] === 2;
}

/** As Docker's messages and `Ref` have it, `latest` filled in; undefined for what is no name. */
function fullName(reference: string): string | undefined {
  try {
    const parsed = parseReference(reference);
    const named = parsed.tag !== undefined || parsed.digest !== undefined;
    return formatReference(named ? parsed : { ...parsed, tag: "latest" });
  } catch (error) {
    if (isGantryError(error, "REFERENCE_INVALID")) return undefined;
    throw error;
  }
}
