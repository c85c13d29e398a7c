import { GantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import { formatPlatform, platformMatches } from "../image/platform.ts";
import { familiarReference, formatReference, fullTagName, parseReference } from "../image/reference.ts";
import type { Platform } from "../image/types.ts";
import type { ArchivedGroup, ArchiveListing, PlatformImage } from "./archived-image.ts";

/** Which images of an archive are wanted, and under which names. */
export interface ImageSelection {
  /** Take only these platforms; all that there are when empty or not given. */
  platforms?: readonly Platform[];
  /** Take only these images: names, bare tags, digests or unique beginnings of digests. */
  only?: readonly string[];
  /** New names: `NAME` for the one image that is taken, `OLD=NEW` for one of several. */
  tags?: readonly string[];
}

/**
 * The part of a listing that a selection takes, under the names that it gives. Does not change what it is given.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, REFERENCE_INVALID, USAGE for a name that could mean
 * several images
 */
export function selectImages(listing: ArchiveListing, selection: ImageSelection): ArchiveListing {
  let { groups } = listing;
  if (selection.only !== undefined && selection.only.length > 0) groups = chosen(listing, selection.only);
  if (selection.platforms !== undefined && selection.platforms.length > 0) {
    groups = ofPlatforms({ ...listing, groups }, selection.platforms);
  }
  if (selection.tags !== undefined && selection.tags.length > 0)
    groups = renamed({ ...listing, groups }, selection.tags);
  return { ...listing, groups };
}

function chosen(listing: ArchiveListing, only: readonly string[]): ArchivedGroup[] {
  const taken = new Map<ArchivedGroup, ArchivedGroup>();
  for (const reference of only) {
    const { group, part } = findGroup(listing, reference);
    const before = taken.get(group);
    taken.set(group, before === undefined ? part : { ...group, ...unite(before, part) });
  }
  return listing.groups.flatMap((group) => taken.get(group) ?? []);
}

function unite(a: ArchivedGroup, b: ArchivedGroup): Pick<ArchivedGroup, "names" | "platforms"> {
  return {
    names: [...new Set([...a.names, ...b.names])],
    platforms: [...new Set([...a.platforms, ...b.platforms])],
  };
}

/** The group that a reference means, and what of it: one of its names, one of its platforms, or all. */
function findGroup(listing: ArchiveListing, reference: string): { group: ArchivedGroup; part: ArchivedGroup } {
  const { groups, label } = listing;
  const name = asName(reference);
  for (const group of groups) {
    if (name !== undefined && group.names.includes(name)) return { group, part: { ...group, names: [name] } };
  }
  const tagged = groups.filter(({ refTags }) => refTags.includes(reference));
  const matches = [...tagged.map((group) => ({ group, part: group })), ...byDigest(groups, reference)];
  const [first] = matches;
  if (first === undefined) {
    throw new GantryError("IMAGE_NOT_FOUND", `${label} has no image ${reference}: it has ${listed(groups)}`, {
      details: { reference, images: groups.map(groupLabel) },
    });
  }
  if (matches.length > 1) {
    throw new GantryError("IMAGE_AMBIGUOUS", `${reference} means ${matches.length} images of ${label}`, {
      remedy: "Give a full name or more digits of the digest.",
      details: { reference, images: matches.map(({ group }) => groupLabel(group)) },
    });
  }
  return first;
}

function byDigest(groups: ArchivedGroup[], reference: string): { group: ArchivedGroup; part: ArchivedGroup }[] {
  const hex = /^(?:[^@]*@)?(?:sha256:)?([0-9a-f]{4,64})$/.exec(reference)?.[1];
  if (hex === undefined) return [];
  return groups.flatMap((group) => {
    if (group.index !== undefined && digestHex(group.index.descriptor.digest).startsWith(hex))
      return [{ group, part: group }];
    const platforms = group.platforms.filter((image) => hasDigest(image, hex));
    return platforms.length === 0 ? [] : [{ group, part: { ...group, platforms, absent: [] } }];
  });
}

function hasDigest({ id, manifest }: PlatformImage, hex: string): boolean {
  const digests = [id, ...(manifest === undefined ? [] : [manifest.descriptor.digest])];
  return digests.some((digest) => digestHex(digest).startsWith(hex));
}

/** Every image is for one of the platforms wanted, or is left out; every platform wanted is there. */
function ofPlatforms({ groups, label }: ArchiveListing, wanted: readonly Platform[]): ArchivedGroup[] {
  const matches = (offered: Platform | undefined): boolean =>
    offered !== undefined && wanted.some((platform) => platformMatches(offered, platform));
  const all = groups.flatMap(({ platforms }) => platforms.map(({ platform }) => platform));
  for (const platform of wanted) {
    if (all.some((offered) => platformMatches(offered, platform))) continue;
    const listedOnly = groups.some(({ absent }) =>
      absent.some((each) => each.platform !== undefined && platformMatches(each.platform, platform)),
    );
    const present = [...new Set(all.map(formatPlatform))];
    throw new GantryError(
      "PLATFORM_NOT_FOUND",
      `${label} has no image for ${formatPlatform(platform)}: it has ${present.join(", ")}` +
        (listedOnly ? `; its index lists ${formatPlatform(platform)}, but the archive was saved without it` : ""),
      {
        remedy: listedOnly ? "Save the image with that platform." : "Choose one of these with --platform.",
        details: { platforms: present },
      },
    );
  }
  return groups.flatMap((group) => {
    const platforms = group.platforms.filter(({ platform }) => matches(platform));
    // What is not wanted is not missed.
    return platforms.length === 0 ? [] : [{ ...group, platforms, absent: [] }];
  });
}

function renamed(listing: ArchiveListing, tags: readonly string[]): ArchivedGroup[] {
  const names = new Map<ArchivedGroup, string[]>();
  const give = (group: ArchivedGroup, name: string): void =>
    void names.set(group, [...(names.get(group) ?? []), fullTagName(name)]);
  for (const tag of tags) {
    const equals = tag.indexOf("=");
    if (equals >= 0) give(findGroup(listing, tag.slice(0, equals)).group, tag.slice(equals + 1));
    else for (const [group, name] of plainly(listing, tag)) give(group, name);
  }
  const given = new Set([...names.values()].flat());
  return listing.groups.map((group) => ({
    ...group,
    names: names.get(group) ?? group.names.filter((name) => !given.has(name)),
  }));
}

/** A name for the only image; or a repository for several whose tags the archive has. */
function plainly({ groups, label }: ArchiveListing, name: string): [ArchivedGroup, string][] {
  const [only] = groups;
  if (only !== undefined && groups.length === 1) return [[only, name]];
  const { tag, domain, path } = parseReference(name);
  const tags = groups.flatMap(({ refTags }) => refTags);
  const distinct = new Set(tags).size === tags.length && groups.every(({ refTags }) => refTags.length > 0);
  if (tag === undefined && distinct) {
    return groups.flatMap((group) =>
      group.refTags.map((refTag): [ArchivedGroup, string] => [group, formatReference({ domain, path, tag: refTag })]),
    );
  }
  throw new GantryError("USAGE", `--tag ${name} could mean any of ${groups.length} images of ${label}`, {
    remedy: "Choose one with --only, or write --tag OLD=NEW for each.",
    details: { images: groups.map(groupLabel) },
  });
}

function asName(reference: string): string | undefined {
  try {
    return fullTagName(reference);
  } catch {
    return undefined; // a digest, or a tag that is no name: compared as such
  }
}

/** How people are told of a group: its first name, else a tag, else an id. */
export function groupLabel({ names, refTags, index, platforms, absent }: ArchivedGroup): string {
  if (names[0] !== undefined) return familiarReference(names[0]);
  if (refTags[0] !== undefined) return refTags[0];
  const digest = index?.descriptor.digest ?? platforms[0]?.id ?? absent[0]?.manifest.digest;
  return digest === undefined ? "an image" : digestHex(digest).slice(0, 12);
}

function listed(groups: ArchivedGroup[]): string {
  return groups
    .map((group) => [...group.names.map(familiarReference), ...group.refTags].join(", ") || groupLabel(group))
    .join(", ");
}
