import { GantryError } from "../errors/index.ts";
import { deltaBases } from "../image/delta.ts";
import { parseIndex } from "../image/manifest.ts";
import { choosePlatform, hostPlatform } from "../image/platform.ts";
import { familiarReference } from "../image/reference.ts";
import type { Platform } from "../image/types.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import type {
  ArchivedGroup,
  ArchivedImage,
  ArchivedLayer,
  ArchiveListing,
  ListedLayer,
  PlatformImage,
} from "./archived-image.ts";
import { type ArchiveContents, contentsBelow, readArchiveFile } from "./contents.ts";
import { copiedDirectory } from "./copied-directory.ts";
import { type DockerArchiveEntry, readDockerArchive } from "./docker-archive.ts";
import { readOciLayout } from "./oci-layout.ts";
import { selectImages } from "./select-images.ts";

/**
 * What an archive or layout holds, whatever its kind: docker-archive (manifest.json), OCI layout (index.json), skopeo's
 * `dir:`, or the first two in one as Docker 25 and later write it; then both together say the names, and the manifests of the OCI index are kept as
 * they are. All of it may be in one directory, as when somebody archived a layout with its name. Layers may be absent: a
 * delta archive leaves out what the store is expected to have.
 * @throws ARCHIVE_INVALID if it is none of these, holds no image, or its two lists contradict each other; what the
 * readers throw
 */
export function listArchive(given: ArchiveContents, limits: ArchiveLimits = {}): ArchiveListing {
  const found = imageDirectory(given);
  const contents = copiedDirectory(found) ?? found;
  const manifest = contents.find("manifest.json");
  const index = contents.find("index.json");
  if (manifest === undefined && index === undefined) throw noImageArchive(contents);
  const indexBytes = index === undefined ? undefined : readArchiveFile(index);
  const groups = indexBytes === undefined ? [] : readOciLayout(contents, indexBytes, limits);
  const entries = manifest === undefined ? [] : readDockerArchive(contents, readArchiveFile(manifest));
  const all = joined(groups, entries, contents.label);
  if (all.length === 0) throw new GantryError("ARCHIVE_INVALID", `${contents.label} holds no image`);
  const annotations = indexBytes === undefined ? undefined : parseIndex(indexBytes).annotations;
  return { label: contents.label, groups: all, bases: deltaBases(annotations) };
}

function imageDirectory(contents: ArchiveContents): ArchiveContents {
  const isImage = (below: string): boolean =>
    contents.find(`${below}manifest.json`) !== undefined ||
    (contents.find(`${below}index.json`) !== undefined && contents.find(`${below}oci-layout`) !== undefined);
  if (isImage("") || contents.find("index.json") !== undefined) return contents;
  const inside = contents.topDirectories().filter((name) => isImage(`${name}/`));
  return inside.length === 1 ? contentsBelow(contents, inside[0] as string) : contents;
}

/**
 * The images of an archive, complete, one of each name: of several platforms the one given, or the host's, else the first.
 * @throws LAYER_MISSING, PLATFORM_NOT_FOUND; what listArchive throws
 */
export function findImages(
  contents: ArchiveContents,
  { platform, limits }: { platform?: Platform; limits?: ArchiveLimits } = {},
): ArchivedImage[] {
  const listing = listArchive(contents, limits);
  const { groups } = platform === undefined ? listing : selectImages(listing, { platforms: [platform] });
  return groups.flatMap(({ platforms, names }) => {
    const image = choosePlatform(platforms, platform ?? hostPlatform());
    return image === undefined
      ? []
      : [{ ...image, names, layers: image.layers.map((layer) => present(layer, contents)) }];
  });
}

function present(layer: ListedLayer, { label }: ArchiveContents): ArchivedLayer {
  const { file, name, diffId } = layer;
  if (file !== undefined) return { ...layer, file };
  throw new GantryError("LAYER_MISSING", `${label}: the layer ${JSON.stringify(name)} is missing`, {
    remedy: "Save the image again.",
    details: { diffId, name },
  });
}

/** In the order of manifest.json, which is that of the command line that saved them; then what only index.json lists. */
function joined(groups: ArchivedGroup[], entries: DockerArchiveEntry[], label: string): ArchivedGroup[] {
  const owners = new Map(groups.flatMap((group) => group.platforms.map(({ id }) => [id, group] as const)));
  const ordered = new Set<ArchivedGroup>();
  for (const { image, names } of entries) {
    let group = owners.get(image.id);
    if (group === undefined) {
      group = { names: [], refTags: [], platforms: [image], absent: [] };
      owners.set(image.id, group);
    } else {
      group.platforms = group.platforms.map((known) => (known.id === image.id ? completer(known, image) : known));
    }
    for (const name of names) {
      const other = groups.find((candidate) => candidate !== group && candidate.names.includes(name));
      if (other !== undefined) throw contradiction(label, name);
      for (const earlier of ordered)
        earlier.names = earlier.names.filter((known) => known !== name || earlier === group);
    }
    group.names = [...new Set([...group.names, ...names])];
    ordered.add(group);
  }
  return [...new Set([...ordered, ...groups])];
}

/** The image as its OCI manifest describes it, unless that names layers that only manifest.json finds. */
function completer(oci: PlatformImage, docker: PlatformImage): PlatformImage {
  const lacks = ({ layers }: PlatformImage): number => layers.filter(({ file }) => file === undefined).length;
  return lacks(docker) < lacks(oci) ? docker : oci;
}

function contradiction(label: string, name: string): GantryError {
  return new GantryError(
    "ARCHIVE_INVALID",
    `${label}: manifest.json and index.json give the name ${familiarReference(name)} to different images`,
    { remedy: "Save the images again, one archive each.", details: { name } },
  );
}

function noImageArchive(contents: ArchiveContents): GantryError {
  const old = contents.find("repositories") !== undefined;
  return new GantryError(
    "ARCHIVE_INVALID",
    `${contents.label} is not an image archive: it has neither manifest.json nor index.json` +
      (old ? "; docker before 1.10 wrote it" : ""),
    {
      remedy: old
        ? "Load it with that docker and save it again with a later one."
        : "Give an archive that docker save, podman save or skopeo wrote.",
    },
  );
}
