import { GantryError, isGantryError } from "../errors/index.ts";
import { digestOf } from "../image/digest.ts";
import { encodeIndex, parseIndex } from "../image/manifest.ts";
import { isIndexType, isManifestType, OCI_INDEX } from "../image/media-types.ts";
import { formatPlatform } from "../image/platform.ts";
import { fullTagName } from "../image/reference.ts";
import type { Descriptor, Digest } from "../image/types.ts";
import { type ArchiveLimits, limitExceeded, limitOf } from "../kernels/archive-limits.ts";
import { sha256Hex } from "../kernels/sha256.ts";
import type { ArchivedGroup, ArchivedIndex, PlatformImage } from "./archived-image.ts";
import type { ArchiveContents } from "./contents.ts";
import { blobName, readPlatformImage } from "./platform-image.ts";
import { readVerified } from "./read-config.ts";

/** Listed twice in each of eight levels, one index would be read 256 times; listed a hundred times, for ever. */
const MAX_LISTED = 10_000;

/** Annotations that name an image in the archive and say nothing of the image. */
const NAMING = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

interface Layout {
  contents: ArchiveContents;
  /** How deep indexes may be nested (image-index.md allows any depth; nobody needs more than two levels). */
  nesting: number;
}

/** A descriptor with the names that its index gives it. */
interface NamedDescriptor {
  descriptor: Descriptor;
  names: string[];
  refTags: string[];
}

/**
 * The images of an OCI image layout (image-layout.md), by what index.json names: an image alone, or the platforms of an
 * index, nested ones included. Manifests that index.json lists itself under one name, or without any but for different
 * platforms, belong together as if an index listed them. What an index lists and the archive does not hold is told.
 * @throws MANIFEST_INVALID, CONFIG_INVALID, DIGEST_INVALID, DIGEST_MISMATCH, ARCHIVE_INVALID, LIMIT_EXCEEDED
 */
export function readOciLayout(
  contents: ArchiveContents,
  index: Uint8Array,
  limits: ArchiveLimits = {},
): ArchivedGroup[] {
  const layout: Layout = { contents, nesting: limitOf(limits, "nesting") };
  const { manifests } = parseIndex(index, `${contents.label}: index.json`);
  const named: NamedDescriptor[] = [];
  nameAll(layout, manifests, { names: [], refTags: [] }, named, 0);
  return collected(named).flatMap((descriptors) => {
    const group = readGroup(layout, descriptors);
    return group.platforms.length + group.absent.length === 0 ? [] : [group];
  });
}

/** Adds what descriptors name to `found`; an index that names what it lists is a list of images, not an image. */
function nameAll(
  layout: Layout,
  descriptors: Descriptor[],
  inherited: { names: string[]; refTags: string[] },
  found: NamedDescriptor[],
  depth: number,
): void {
  requireDepth(layout, depth);
  const { contents } = layout;
  for (const descriptor of descriptors) {
    if (found.length >= MAX_LISTED) {
      throw new GantryError(
        "MANIFEST_INVALID",
        `${contents.label}: index.json leads to more than ${MAX_LISTED} images`,
      );
    }
    const own = namesOf(descriptor);
    const named = { descriptor, ...(own.names.length + own.refTags.length > 0 ? own : inherited) };
    if (isManifestType(descriptor.mediaType)) found.push(named);
    if (!isIndexType(descriptor.mediaType)) continue;
    const bytes = readVerified(contents, blobName(descriptor), descriptor);
    if (bytes === undefined) continue;
    const listed = parseIndex(bytes, `${contents.label}: ${blobName(descriptor)}`).manifests;
    const names = listed.some((each) => NAMING.some((key) => each.annotations?.[key] !== undefined));
    if (names) nameAll(layout, listed, named, found, depth + 1);
    else found.push(named);
  }
}

/** Groups what belongs together: the same descriptor under several names, several manifests under one. */
function collected(named: NamedDescriptor[]): NamedDescriptor[][] {
  const byDigest = new Map<Digest, NamedDescriptor>();
  for (const each of named) {
    const known = byDigest.get(each.descriptor.digest);
    if (known === undefined) {
      byDigest.set(each.descriptor.digest, each);
      continue;
    }
    known.names = [...new Set([...known.names, ...each.names])];
    known.refTags = [...new Set([...known.refTags, ...each.refTags])];
  }
  const groups = new Map<string, NamedDescriptor[]>();
  for (const each of byDigest.values()) {
    const { descriptor, names, refTags } = each;
    const platform = descriptor.platform;
    const alone = isIndexType(descriptor.mediaType) || platform === undefined;
    const key = alone ? descriptor.digest : [...names, ...refTags].join(" ");
    const group = groups.get(key) ?? [];
    // Twice the same platform is not one image.
    const twice = group.some((other) => samePlatform(other.descriptor, descriptor));
    groups.set(twice ? descriptor.digest : key, twice ? [each] : [...group, each]);
  }
  return [...groups.values()];
}

function samePlatform(a: Descriptor, b: Descriptor): boolean {
  if (a.platform === undefined || b.platform === undefined) return false;
  if (a.platform["os.version"] !== b.platform["os.version"]) return false;
  return formatPlatform(a.platform) === formatPlatform(b.platform);
}

function readGroup(layout: Layout, named: NamedDescriptor[]): ArchivedGroup {
  const { contents } = layout;
  const [first] = named as [NamedDescriptor];
  const group: ArchivedGroup = { names: first.names, refTags: first.refTags, platforms: [], absent: [] };
  if (isIndexType(first.descriptor.mediaType)) {
    const bytes = readVerified(contents, blobName(first.descriptor), first.descriptor) as Uint8Array;
    group.index = { descriptor: bare(first.descriptor), bytes, parts: [] };
    const { manifests } = parseIndex(bytes, `${contents.label}: ${blobName(first.descriptor)}`);
    readPlatforms(layout, manifests, group, new Set([first.descriptor.digest]), 1);
    return group;
  }
  const descriptors = named.map(({ descriptor }) => descriptor);
  if (named.length > 1) group.index = madeIndex(descriptors);
  readPlatforms(layout, descriptors, group, new Set(), 1);
  return group;
}

function readPlatforms(
  layout: Layout,
  descriptors: Descriptor[],
  group: ArchivedGroup,
  seen: Set<Digest>,
  depth: number,
): void {
  requireDepth(layout, depth);
  const { contents } = layout;
  const addPart = (descriptor: Descriptor): void => {
    const file = contents.find(blobName(descriptor));
    if (file !== undefined) group.index?.parts.push({ descriptor: bare(descriptor), file });
  };
  for (const descriptor of descriptors) {
    if (seen.has(descriptor.digest)) continue;
    seen.add(descriptor.digest);
    if (isIndexType(descriptor.mediaType)) {
      const bytes = readVerified(contents, blobName(descriptor), descriptor);
      if (bytes === undefined) {
        group.absent.push({ platform: descriptor.platform, manifest: descriptor, missing: [descriptor.digest] });
        continue;
      }
      addPart(descriptor);
      const nested = parseIndex(bytes, `${contents.label}: ${blobName(descriptor)}`).manifests;
      readPlatforms(layout, nested, group, seen, depth + 1);
    }
    if (!isManifestType(descriptor.mediaType)) continue;
    const found = readPlatformImage(contents, descriptor);
    if ("image" in found) addPlatform(group, found.image);
    else if ("absent" in found) group.absent.push(found.absent);
    else found.otherParts.forEach(addPart);
  }
}

/** One image may be listed twice, its layers compressed in two ways: the first that is whole will do. */
function addPlatform(group: ArchivedGroup, image: PlatformImage): void {
  const known = group.platforms.findIndex(({ id }) => id === image.id);
  if (known < 0) group.platforms.push(image);
  else if (!isWhole(group.platforms[known] as PlatformImage) && isWhole(image)) group.platforms[known] = image;
}

function isWhole({ layers }: PlatformImage): boolean {
  return layers.every(({ file }) => file !== undefined);
}

/** The index over manifests that the layout itself lists: the same manifests always get the same. */
function madeIndex(descriptors: Descriptor[]): ArchivedIndex {
  const bytes = encodeIndex(
    descriptors.map(({ annotations, ...rest }) => {
      const kept = Object.entries(annotations ?? {}).filter(([key]) => !NAMING.includes(key));
      return kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) };
    }),
  );
  const digest = digestOf(sha256Hex(bytes));
  return { descriptor: { mediaType: OCI_INDEX, digest, size: bytes.length }, bytes, parts: [] };
}

/**
 * containerd's annotation holds the full name. OCI's holds, by its writers' habits, a full name (skopeo) or a bare tag
 * (umoci, Docker): a bare tag names no repository.
 */
function namesOf({ annotations }: Descriptor): { names: string[]; refTags: string[] } {
  const full = annotations?.["io.containerd.image.name"];
  const short = annotations?.["org.opencontainers.image.ref.name"];
  const text = full ?? (short !== undefined && /[:/]/.test(short) ? short : undefined);
  if (text === undefined) return { names: [], refTags: short === undefined ? [] : [short] };
  try {
    return { names: [fullTagName(text)], refTags: [] };
  } catch (error) {
    if (isGantryError(error, "REFERENCE_INVALID")) return { names: [], refTags: [] };
    throw error;
  }
}

function requireDepth({ contents, nesting }: Layout, depth: number): void {
  if (depth <= nesting) return;
  throw limitExceeded("nesting", `${contents.label}: indexes are nested more than ${nesting} deep`);
}

/** A descriptor without what only its index had to say. */
function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
