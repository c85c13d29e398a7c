import { GantryError, isGantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import { formatReference, type ImageReference, parseReference } from "../image/reference.ts";
import type { ImageRecord } from "./image-records.ts";

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/;

/** How a reference names an image; removing by a name and by an id differ. */
export interface ResolvedRecord {
  record: ImageRecord;
  /** The full name that matched, or undefined when the reference is an id or a digest. */
  name?: string;
}

/**
 * Finds the image that a reference means, in Docker's order: a whole id, a name (with `latest` and the default domain
 * filled in), name@digest, a unique prefix of an id.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS
 */
export function resolveRecord(records: readonly ImageRecord[], reference: string): ResolvedRecord {
  const hex = ID_PREFIX.exec(reference)?.[1];
  if (hex?.length === 64) {
    const record = records.find((candidate) => digestHex(candidate.id) === hex);
    if (record !== undefined) return { record };
  }
  const parsed = tryParse(reference);
  if (parsed !== undefined) {
    const found = byReference(records, parsed);
    if (found !== undefined) return found;
  }
  if (hex !== undefined) {
    const matches = records.filter((candidate) => digestHex(candidate.id).startsWith(hex));
    if (matches.length > 1) {
      throw new GantryError(
        "IMAGE_AMBIGUOUS",
        `the id prefix ${JSON.stringify(reference)} matches ${matches.length} images`,
        {
          remedy: "Give more digits of the id.",
          details: { ids: matches.map((match) => match.id) },
        },
      );
    }
    if (matches[0] !== undefined) return { record: matches[0] };
  }
  throw new GantryError("IMAGE_NOT_FOUND", `No such image: ${shown(reference, parsed)}`, { details: { reference } });
}

function byReference(records: readonly ImageRecord[], parsed: ImageReference): ResolvedRecord | undefined {
  const { domain, path, digest } = parsed;
  if (digest !== undefined) {
    const repository = `${domain}/${path}`;
    const record = records.find(
      (candidate) =>
        (candidate.manifest.digest === digest || candidate.id === digest) &&
        candidate.names.some((name) => name.slice(0, name.lastIndexOf(":")) === repository),
    );
    return record && { record };
  }
  const name = formatReference({ domain, path, tag: parsed.tag ?? "latest" });
  const record = records.find((candidate) => candidate.names.includes(name));
  return record && { record, name };
}

/** The full name of the repository that a reference without tag and digest is; undefined for any other. */
export function repositoryOf(reference: string): string | undefined {
  const parsed = tryParse(reference);
  if (parsed === undefined || parsed.tag !== undefined || parsed.digest !== undefined) return undefined;
  return `${parsed.domain}/${parsed.path}`;
}

function tryParse(reference: string): ImageReference | undefined {
  try {
    return parseReference(reference);
  } catch (error) {
    if (isGantryError(error, "REFERENCE_INVALID")) return undefined;
    throw error;
  }
}

/** Docker names what it looked for, with the tag that it filled in. */
function shown(reference: string, parsed: ImageReference | undefined): string {
  return parsed !== undefined && parsed.tag === undefined && parsed.digest === undefined
    ? `${reference}:latest`
    : reference;
}
