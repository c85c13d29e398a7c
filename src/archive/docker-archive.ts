import { GantryError } from "../errors/index.ts";
import { configPlatform } from "../image/config.ts";
import { digestOf } from "../image/digest.ts";
import { isJsonObject, parseJson } from "../image/parse-json.ts";
import { fullTagName } from "../image/reference.ts";
import type { ListedLayer, PlatformImage } from "./archived-image.ts";
import { type ArchiveContents, readArchiveFile } from "./contents.ts";
import { identifyConfig, requireDigest } from "./read-config.ts";

/** `<hex>.json` (docker, podman), `sha256:<hex>` (kaniko, crane, jib), `blobs/sha256/<hex>` (Docker 25). */
const DIGEST_IN_NAME = /(?:^|\/|:)([0-9a-f]{64})(?:\.json)?$/;

/** One image that a manifest.json lists. */
export interface DockerArchiveEntry {
  image: PlatformImage;
  /** Full names. */
  names: string[];
}

/** One element of a docker-archive's manifest.json. */
interface ManifestEntry {
  config: string;
  names: string[];
  layers: string[];
}

/**
 * The images that a docker-archive's manifest.json lists: the layout of `docker save` before Docker 25, whose layers are
 * called `<id>/layer.tar`, and the later one, whose names are paths of blobs. Layers may be absent.
 * @throws ARCHIVE_INVALID, MANIFEST_INVALID, CONFIG_INVALID, DIGEST_MISMATCH, REFERENCE_INVALID
 */
export function readDockerArchive(contents: ArchiveContents, manifest: Uint8Array): DockerArchiveEntry[] {
  return parseManifestJson(manifest, contents.label).map((entry) => {
    const file = contents.find(entry.config);
    if (file === undefined) {
      throw new GantryError(
        "ARCHIVE_INVALID",
        `${contents.label}: the config ${JSON.stringify(entry.config)} is missing`,
      );
    }
    const bytes = readArchiveFile(file);
    const what = `${contents.label}: ${entry.config}`;
    const hex = DIGEST_IN_NAME.exec(entry.config)?.[1];
    if (hex !== undefined) requireDigest(bytes, digestOf(hex), what);
    const identified = identifyConfig(bytes, what);
    const platform = configPlatform(identified.config);
    const image = { ...identified, platform, layers: layersOf(contents, entry, identified) };
    return { image, names: entry.names.map(fullTagName) };
  });
}

function layersOf(
  contents: ArchiveContents,
  entry: ManifestEntry,
  { config }: Pick<PlatformImage, "config">,
): ListedLayer[] {
  const diffIds = config.rootfs.diff_ids;
  if (entry.layers.length !== diffIds.length) {
    throw new GantryError(
      "ARCHIVE_INVALID",
      `${contents.label}: manifest.json lists ${entry.layers.length} layers but ${entry.config} ${diffIds.length}`,
    );
  }
  return diffIds.map((diffId, index) => {
    const name = entry.layers[index] ?? "";
    return { diffId, name, file: contents.find(name) };
  });
}
function parseManifestJson(bytes: Uint8Array, label: string): ManifestEntry[] {
  const what = `${label}: manifest.json`;
  const document = parseJson(bytes, what, "MANIFEST_INVALID");
  const strings = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((item) => typeof item === "string");
  if (!Array.isArray(document)) throw new GantryError("MANIFEST_INVALID", `${what} is not a list of images`);
  return document.map((item, index) => {
    const invalid = (why: string): never => {
      throw new GantryError("MANIFEST_INVALID", `${what}: image ${index} ${why}`);
    };
    if (!isJsonObject(item)) return invalid("is not an object");
    const config = item["Config"];
    const names = item["RepoTags"] ?? [];
    const layers = item["Layers"] ?? [];
    if (typeof config !== "string" || config === "") return invalid("has no Config");
    if (!strings(names)) return invalid("has RepoTags that are no list of names");
    if (!strings(layers)) return invalid("has Layers that are no list of names");
    return { config, names, layers };
  });
}
