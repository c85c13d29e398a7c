import { familiarReference, parseReference } from "../image/reference.ts";
import type { Image, RunConfig } from "../image/types.ts";
import type { StoreLayout } from "../store/layout.ts";
import type { Store } from "../store/store.ts";

/** What `docker image inspect` prints, in its order. */
export interface ImageInspection {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  DockerVersion: string;
  Author: string;
  Config: RunConfig | null;
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
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, STORE_CORRUPT
 */
export function inspectImage(store: Store, reference: string): ImageInspection {
  const image = store.resolveImage(reference);
  const { config } = image;
  const text = (field: string): string => (typeof config[field] === "string" ? config[field] : "");
  return {
    Id: image.id,
    RepoTags: image.names.map(familiarReference),
    RepoDigests: repoDigests(image),
    Parent: "",
    Comment: text("comment") || (config.history?.at(-1)?.comment ?? ""),
    Created: config.created ?? "",
    DockerVersion: text("docker_version"),
    Author: config.author ?? "",
    Config: config.config ?? null,
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

/** Repositories with the manifest's digest: what a registry would serve the image under. */
function repoDigests(image: Image): string[] {
  const repositories = new Set(
    image.names.map((name) => {
      const { domain, path } = parseReference(name);
      return familiarReference(`${domain}/${path}`);
    }),
  );
  return [...repositories].map((repository) => `${repository}@${image.manifest.digest}`);
}

function layerPaths(layout: StoreLayout, image: Image): Record<string, string> {
  const tars = image.layers.map((layer) => layout.layerTar(layer.diffId)).reverse();
  const [upper, ...lower] = tars;
  return {
    ...(lower.length > 0 ? { LowerDir: lower.join(":") } : {}),
    ...(upper === undefined ? {} : { UpperDir: upper }),
  };
}
