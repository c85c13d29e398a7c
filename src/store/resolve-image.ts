import { GantryError, isGantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import { choosePlatform, formatPlatform, hostPlatform, platformMatches } from "../image/platform.ts";
import { formatReference, type ImageReference, parseReference } from "../image/reference.ts";
import type { Digest, Platform } from "../image/types.ts";
import type { ImageRecord } from "./image-records.ts";

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/;

/** How a reference names an image; removing by a name and by an id differ. */
export interface ResolvedRecord {
  record: ImageRecord;
  /** The full name that matched, or undefined when the reference is an id or a digest. */
  name?: string;
  /** The digest of the index that the reference means. */
  index?: Digest;
  /** The images of all platforms that the reference means, `record` among them, in the store's order. */
  all: ImageRecord[];
}

export interface ResolveOptions {
  /** Exactly this platform; else the host's, else the first that there is. */
  platform?: Platform | undefined;
  platformOf: (record: ImageRecord) => Platform;
}

type Candidates = Omit<ResolvedRecord, "record">;

/**
 * Finds the image that a reference means, in Docker's order: a whole id, a name (with `latest` and the default domain
 * filled in), name@digest, a unique prefix of an id. A digest may be that of an image's config (its id), of its manifest
 * or of its index.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND if `platform` is not among what the reference means
 */
export function resolveRecord(
  records: readonly ImageRecord[],
  reference: string,
  options: ResolveOptions,
): ResolvedRecord {
  const found = findCandidates(records, reference);
  return { ...found, record: choose(found.all, reference, options) };
}

function choose(all: readonly ImageRecord[], reference: string, { platform, platformOf }: ResolveOptions): ImageRecord {
  const [only] = all;
  if (only !== undefined && all.length === 1 && platform === undefined) return only;
  const offered = all.map((record) => ({ record, platform: platformOf(record) }));
  const matching =
    platform === undefined ? offered : offered.filter((candidate) => platformMatches(candidate.platform, platform));
  const chosen = choosePlatform(matching, platform ?? hostPlatform());
  if (chosen !== undefined) return chosen.record;
  const present = [...new Set(offered.map((candidate) => formatPlatform(candidate.platform)))];
  throw new GantryError(
    "PLATFORM_NOT_FOUND",
    `image with reference ${reference} was found but does not match the specified platform: ` +
      `wanted ${formatPlatform(platform as Platform)}, actual: ${present.join(", ")}`,
    {
      remedy: present.length > 1 ? "Choose one of these with --platform." : "Leave out --platform.",
      details: { reference, platforms: present },
    },
  );
}

function findCandidates(records: readonly ImageRecord[], reference: string): Candidates {
  const hex = ID_PREFIX.exec(reference)?.[1];
  if (hex?.length === 64) {
    const found = byDigest(records, (digest) => digestHex(digest) === hex);
    if (found !== undefined) return found;
  }
  const parsed = tryParse(reference);
  const named = parsed === undefined ? undefined : byReference(records, parsed);
  if (named !== undefined) return named;
  if (hex !== undefined) {
    const found = byDigest(records, (digest) => digestHex(digest).startsWith(hex), reference);
    if (found !== undefined) return found;
  }
  throw new GantryError("IMAGE_NOT_FOUND", `No such image: ${shown(reference, parsed)}`, { details: { reference } });
}

/** By id first; only then by the digest of an index or a manifest. @throws IMAGE_AMBIGUOUS if `prefix` is given */
function byDigest(
  records: readonly ImageRecord[],
  matches: (digest: Digest) => boolean,
  prefix?: string,
): Candidates | undefined {
  const unique = (digests: Digest[]): Digest | undefined => {
    const found = [...new Set(digests.filter(matches))];
    if (found.length > 1 && prefix !== undefined) {
      throw new GantryError(
        "IMAGE_AMBIGUOUS",
        `the id prefix ${JSON.stringify(prefix)} matches ${found.length} images`,
        {
          remedy: "Give more digits of the id.",
          details: { ids: found },
        },
      );
    }
    return found[0];
  };
  const id = unique(records.map((record) => record.id));
  if (id !== undefined) return { all: records.filter((record) => record.id === id) };
  const index = unique(records.flatMap((record) => (record.indexes ?? []).map((known) => known.descriptor.digest)));
  if (index !== undefined) return { index, all: records.filter((record) => hasIndex(record, index)) };
  const manifest = unique(records.map((record) => record.manifest.digest));
  if (manifest !== undefined) return { all: records.filter((record) => record.manifest.digest === manifest) };
  return undefined;
}

function byReference(records: readonly ImageRecord[], parsed: ImageReference): Candidates | undefined {
  const { domain, path, digest } = parsed;
  if (digest !== undefined) {
    const repository = `${domain}/${path}`;
    const inRepository = records.filter((record) =>
      record.names.some((name) => name.slice(0, name.lastIndexOf(":")) === repository),
    );
    return byDigest(inRepository, (candidate) => candidate === digest);
  }
  const name = formatReference({ domain, path, tag: parsed.tag ?? "latest" });
  const all = records.filter((candidate) => candidate.names.includes(name));
  const index = all[0]?.indexes?.find((known) => known.names.includes(name))?.descriptor.digest;
  return all.length === 0 ? undefined : { name, all, ...(index === undefined ? {} : { index }) };
}

function hasIndex(record: ImageRecord, index: Digest): boolean {
  return record.indexes?.some((known) => known.descriptor.digest === index) ?? false;
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
