import type {
  AbsentPlatform,
  ArchivedGroup,
  ArchiveListing,
  ListedLayer,
  PlatformImage,
} from "../archive/archived-image.ts";
import { groupLabel } from "../archive/select-images.ts";
import { GantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { familiarReference } from "../image/reference.ts";
import type { Digest } from "../image/types.ts";

/** What can be loaded of a listing, and what cannot. */
export interface CompleteImages {
  /** With platforms only that have all their layers, and with at least one of them. */
  groups: ArchivedGroup[];
  /** Platforms of these groups, and whole groups, that the archive does not hold. */
  left: LeftPlatform[];
}

export interface LeftPlatform extends AbsentPlatform {
  /** The image's name, for messages. */
  label: string;
}

/** A layer that neither the archive nor the store has. */
export interface MissingLayer {
  digest: Digest;
  diffId: Digest;
  /** Undefined where no manifest says it. */
  sizeBytes: number | undefined;
}

/**
 * Divides a listing into what can be loaded and what cannot. An index may be sparse: as long as it has one complete
 * platform, the others are merely told of. An image that came alone, and what was asked for by platform, must be complete.
 * @param has whether a layer is at hand, in the archive or in the store
 * @throws LAYER_MISSING with everything that is missing, ARCHIVE_INVALID if no manifest at all is there
 */
export function completeImages(
  listing: ArchiveListing,
  has: (layer: ListedLayer) => boolean,
  options: { everyPlatform: boolean },
): CompleteImages {
  const found: CompleteImages = { groups: [], left: [] };
  const incomplete: { label: string; image: PlatformImage; missing: MissingLayer[] }[] = [];
  for (const group of listing.groups) {
    const label = groupLabel(group);
    const whole: PlatformImage[] = [];
    const lacking: typeof incomplete = [];
    for (const image of group.platforms) {
      const missing = missingLayers(image, has);
      if (missing.length === 0) whole.push(image);
      else lacking.push({ label, image, missing });
    }
    found.left.push(...group.absent.map((absent) => ({ ...absent, label })));
    if (whole.length === 0 || options.everyPlatform) incomplete.push(...lacking);
    else found.left.push(...lacking.map(leftOut));
    if (whole.length > 0) found.groups.push({ ...group, platforms: whole });
  }
  if (incomplete.length > 0) throw layersMissing(listing, incomplete);
  if (found.groups.length === 0) throw nothingThere(listing, found.left);
  return found;
}

/** One line for people: what of an index was not loaded, and why. */
export function leftText({ label, platform, manifest, missing }: LeftPlatform): string {
  const what = platform === undefined ? manifest.digest : formatPlatform(platform);
  const [first] = missing;
  if (missing.length === 1 && first === manifest.digest) return `${label}: ${what} is not in the archive (${first})`;
  return `${label}: ${what} is not whole in the archive: ${missing.join(", ")} missing`;
}

function missingLayers({ layers }: PlatformImage, has: (layer: ListedLayer) => boolean): MissingLayer[] {
  const missing = new Map<Digest, MissingLayer>();
  for (const layer of layers) {
    if (has(layer)) continue;
    const { diffId, descriptor } = layer;
    const digest = descriptor?.digest ?? diffId;
    missing.set(digest, { digest, diffId, sizeBytes: descriptor?.size });
  }
  return [...missing.values()];
}

function leftOut({
  label,
  image,
  missing,
}: {
  label: string;
  image: PlatformImage;
  missing: MissingLayer[];
}): LeftPlatform {
  const manifest = image.manifest?.descriptor ?? { mediaType: "", digest: image.id, size: 0 };
  return { label, platform: image.platform, manifest, missing: missing.map(({ digest }) => digest) };
}

function layersMissing(
  { label, bases }: ArchiveListing,
  incomplete: { label: string; image: PlatformImage; missing: MissingLayer[] }[],
): GantryError {
  const all = [...new Map(incomplete.flatMap(({ missing }) => missing).map((each) => [each.digest, each])).values()];
  const names = [...new Set(incomplete.map((each) => `${each.label} (${formatPlatform(each.image.platform)})`))];
  const layers = all.map(({ digest, sizeBytes }) =>
    sizeBytes === undefined ? digest : `${digest} (${sizeText(sizeBytes)})`,
  );
  const urls = incomplete.flatMap(({ image }) => image.layers.flatMap((layer) => layer.descriptor?.urls ?? []));
  const count = all.length === 1 ? "a layer" : `${all.length} layers`;
  return new GantryError(
    "LAYER_MISSING",
    `${label}: ${names.join(", ")} ${names.length === 1 ? "lacks" : "lack"} ${count} that ${all.length === 1 ? "is" : "are"} ` +
      `missing from the archive and from the store: ${layers.join(", ")}`,
    { remedy: remedyFor(bases, urls), details: { layers: all, bases } },
  );
}

function remedyFor(bases: ArchiveListing["bases"], urls: string[]): string {
  if (bases.length > 0) {
    const images = bases.map(({ id, name }) =>
      name === undefined
        ? `image ${digestHex(id).slice(0, 12)}`
        : `${familiarReference(name)} (${digestHex(id).slice(0, 12)})`,
    );
    return `The archive is a delta: load ${images.join(" or ")} first, or save the image without --since.`;
  }
  if (urls.length > 0) return `Such layers are not distributed with the image; they come from ${urls.join(", ")}.`;
  return "Save the image again.";
}

function nothingThere({ label }: ArchiveListing, left: LeftPlatform[]): GantryError {
  const listed = left.map((each) =>
    each.platform === undefined ? each.manifest.digest : formatPlatform(each.platform),
  );
  return new GantryError(
    "ARCHIVE_INVALID",
    `${label} holds no image: its index lists ${listed.join(", ")}, none of which is in it`,
    { remedy: "Save the image again, with a platform that is there.", details: { missing: left } },
  );
}

function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
