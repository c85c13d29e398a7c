import { isJsonObject } from "../image/parse-json.ts";
import { indexOfName } from "../image/received-index.ts";
import { familiarParts, familiarReference } from "../image/reference.ts";
import type { Image } from "../image/types.ts";
import type { StoreLayout } from "../store/layout.ts";
import type { ResolveImageOptions, Store } from "../store/store.ts";
import { inspectedConfig } from "./inspected-config.ts";

/** What `docker image inspect` prints, in its order. */
export interface ImageInspection {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  /** Of images that the classic builder or `commit` made. */
  Container?: string;
  ContainerConfig?: object;
  DockerVersion: string;
  Author: string;
  Config: Record<string, unknown> | null;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Size: number;
  VirtualSize: number;
  GraphDriver: { Data: Record<string, string>; Name: string };
  RootFS: { Type: "layers"; Layers: string[] };
  Metadata: { LastTagTime: string };
}

const NEVER = "0001-01-01T00:00:00Z";

/**
 * The image as Docker's `image inspect` describes it. The graph driver's data are the files that gantry keeps instead
 * of unpacked directories: the layers' tars, top first.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, STORE_CORRUPT
 */
export function inspectImage(store: Store, reference: string, options: ResolveImageOptions = {}): ImageInspection {
  const image = store.resolveImage(reference, options);
  const { config } = image;
  const text = (field: string): string => (typeof config[field] === "string" ? config[field] : "");
  return {
    Id: image.id,
    RepoTags: image.names.map(familiarReference),
    RepoDigests: repoDigests(image),
    Parent: "",
    Comment: text("comment") || (config.history?.at(-1)?.comment ?? ""),
    Created: config.created ?? "",
    ...(text("container") === "" ? {} : { Container: text("container") }),
    ...(isJsonObject(config["container_config"]) ? { ContainerConfig: config["container_config"] } : {}),
    DockerVersion: text("docker_version"),
    Author: config.author ?? "",
    Config: config.config === undefined ? null : inspectedConfig({ ...config.config }),
    Architecture: config.architecture,
    ...(text("variant") === "" ? {} : { Variant: text("variant") }),
    Os: config.os,
    ...(text("os.version") === "" ? {} : { OsVersion: text("os.version") }),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: { Data: layerPaths(store.layout, image), Name: "gantry" },
    RootFS: { Type: "layers", Layers: image.layers.map((layer) => layer.diffId) },
    Metadata: { LastTagTime: image.taggedAt ?? NEVER },
  };
}

/**
 * `repository@digest` where a registry has it: known of the names that mean an index. What a registry would call an image
 * that came alone is not known: its manifest may be gantry's own.
 */
function repoDigests(image: Image): string[] {
  const digests = image.names.flatMap((name) => {
    const index = indexOfName(image, name);
    return index === undefined ? [] : [`${familiarParts(name).repository}@${index.digest}`];
  });
  return [...new Set(digests)];
}

function layerPaths(layout: StoreLayout, image: Image): Record<string, string> {
  const tars = image.layers.map((layer) => layout.layerTar(layer.diffId)).reverse();
  const [upper, ...lower] = tars;
  return {
    ...(lower.length > 0 ? { LowerDir: lower.join(":") } : {}),
    ...(upper === undefined ? {} : { UpperDir: upper }),
  };
}
