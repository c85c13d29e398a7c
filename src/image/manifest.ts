import { GantryError } from "../errors/index.ts";
import { parseDigest } from "./digest.ts";
import { type FieldTypes, wrongField } from "./field-types.ts";
import { isIndexType, isManifestType, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "./media-types.ts";
import { isJsonObject, type JsonObject, parseJson } from "./parse-json.ts";
import type { Descriptor, Digest, ImageIndex, ImageManifest } from "./types.ts";

function invalid(what: string, why: string): never {
  throw new GantryError("MANIFEST_INVALID", `${what} ${why}`);
}

const DESCRIPTOR_FIELDS: FieldTypes = { platform: "object", annotations: "string map", artifactType: "string" };
const DOCUMENT_FIELDS: FieldTypes = { annotations: "string map", mediaType: "string", artifactType: "string" };
const PLATFORM_FIELDS: FieldTypes = { os: "string", architecture: "string", variant: "string", "os.version": "string" };

function objectAt(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : {};
}

/** What is null says nothing, as what is missing. */
function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

function descriptor(value: unknown, what: string): Descriptor {
  if (!isJsonObject(value)) invalid(what, "is not a descriptor");
  const { mediaType, size } = value;
  if (typeof mediaType !== "string") invalid(what, "has no media type");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) invalid(what, "has no valid size");
  const wrong = wrongField(value, DESCRIPTOR_FIELDS) ?? wrongField(objectAt(value, "platform"), PLATFORM_FIELDS);
  if (wrong !== undefined) invalid(what, wrong);
  const { platform } = value;
  return {
    ...(withoutNulls(value) as unknown as Descriptor),
    digest: parseDigest(value["digest"], `${what}'s digest`),
    // What a platform leaves out is empty, as Go reads it.
    ...(isJsonObject(platform) && {
      platform: {
        ...withoutNulls(platform),
        os: (platform["os"] ?? "") as string,
        architecture: (platform["architecture"] ?? "") as string,
      },
    }),
  };
}

function descriptors(value: unknown, what: string): Descriptor[] {
  if (!Array.isArray(value)) invalid(what, "is not a list");
  return value.map((item, index) => descriptor(item, `${what}[${index}]`));
}

function schemaTwo(bytes: Uint8Array, what: string): JsonObject {
  const document = parseJson(bytes, what, "MANIFEST_INVALID");
  if (!isJsonObject(document)) invalid(what, "is not a JSON object");
  if (document["schemaVersion"] !== 2)
    invalid(what, `has schema version ${JSON.stringify(document["schemaVersion"])}, not 2`);
  return document;
}

/**
 * Parses an image manifest: OCI's or Docker's schema 2. Unknown fields are kept.
 * @throws MANIFEST_INVALID, DIGEST_INVALID
 */
export function parseManifest(bytes: Uint8Array, what = "the image manifest"): ImageManifest {
  const document = schemaTwo(bytes, what);
  const type = document["mediaType"];
  const wrong = wrongField(document, DOCUMENT_FIELDS);
  if (wrong !== undefined) invalid(what, wrong);
  if (typeof type === "string" && !isManifestType(type)) invalid(what, `has media type ${JSON.stringify(type)}`);
  return {
    ...(document as unknown as ImageManifest),
    config: descriptor(document["config"], `${what}: config`),
    layers: descriptors(document["layers"], `${what}: layers`),
  };
}

/**
 * Parses an image index (OCI) or manifest list (Docker).
 * @throws MANIFEST_INVALID, DIGEST_INVALID
 */
export function parseIndex(bytes: Uint8Array, what = "the image index"): ImageIndex {
  const document = schemaTwo(bytes, what);
  const type = document["mediaType"];
  const wrong = wrongField(document, DOCUMENT_FIELDS);
  if (wrong !== undefined) invalid(what, wrong);
  if (typeof type === "string" && !isIndexType(type)) invalid(what, `has media type ${JSON.stringify(type)}`);
  return {
    ...(document as unknown as ImageIndex),
    manifests: descriptors(document["manifests"], `${what}: manifests`),
  };
}

/** The parts of a manifest that gantry makes for an image that came without one. */
export interface ManifestParts {
  config: { digest: Digest; size: number };
  /** Uncompressed layers, bottom first. */
  layers: { digest: Digest; size: number }[];
}

/**
 * The bytes of the OCI manifest of an image with uncompressed layers. Same parts, same bytes: the manifest's digest can
 * be computed again anywhere, and is the one that Docker 25 and later give the same image.
 */
export function encodeManifest(parts: ManifestParts): Uint8Array {
  const of = (mediaType: string, part: { digest: Digest; size: number }): Descriptor => ({
    mediaType,
    digest: part.digest,
    size: part.size,
  });
  return encodeJson({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: of(OCI_CONFIG, parts.config),
    layers: parts.layers.map((layer) => of(OCI_LAYER, layer)),
  } satisfies ImageManifest);
}

/** The bytes of an OCI image index over these manifests, in this order. */
export function encodeIndex(manifests: Descriptor[], annotations?: Record<string, string>): Uint8Array {
  return encodeJson({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests,
    ...(annotations === undefined ? {} : { annotations }),
  } satisfies ImageIndex);
}

/** JSON without white space, keys in the order given. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
