/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** OCI image-spec, descriptor.md. */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  platform?: Platform;
  annotations?: Record<string, string>;
  urls?: string[];
}

export interface Platform {
  architecture: string;
  os: string;
  variant?: string;
  "os.version"?: string;
  "os.features"?: string[];
}

/** OCI image-spec, manifest.md. */
export interface ImageManifest {
  schemaVersion: 2;
  mediaType?: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

/** OCI image-spec, image-index.md. */
export interface ImageIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}

export interface HistoryEntry {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** The `config` object of an image: how its containers run. Docker's fields beside OCI's. */
export interface RunConfig {
  Hostname?: string;
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[] | null;
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, object> | null;
  WorkingDir?: string;
  Labels?: Record<string, string> | null;
  StopSignal?: string;
  StopTimeout?: number;
  OnBuild?: string[] | null;
  Healthcheck?: {
    Test?: string[];
    /** Nanoseconds, as all of them. */
    Interval?: number;
    Timeout?: number;
    StartPeriod?: number;
    StartInterval?: number;
    Retries?: number;
  };
  Shell?: string[];
  ArgsEscaped?: boolean;
}

/** OCI image-spec, config.md; fields that gantry does not know are kept because the bytes are kept. */
export interface ImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  created?: string;
  author?: string;
  config?: RunConfig;
  rootfs: { type: "layers"; diff_ids: Digest[] };
  history?: HistoryEntry[];
  [field: string]: unknown;
}

/**
 * An index (OCI image-index.md) or Docker manifest list through which an image came into the store. The images of its
 * platforms are images of their own that share the index's names.
 */
export interface ReceivedIndex {
  /** The index as received, in blobs/. */
  descriptor: Descriptor;
  /** Those of the image's names that mean this index and not the image alone; full form, sorted. */
  names: string[];
  /** What else is kept in blobs/ because the index leads to it: nested indexes, attestations with their parts. */
  parts?: Descriptor[];
}

/** An image in the store, for one platform. Its id is the digest of its config, as Docker shows it. */
export interface Image {
  id: Digest;
  /** The manifest in blobs/: received as it is, or made by gantry for a docker-archive that has none. */
  manifest: Descriptor;
  /** What the image runs on: its config's word, and its index's where the config is silent. */
  platform: Platform;
  /** The index that the name means under which the image was found; the first of `indexes` if it was found otherwise. */
  index?: Descriptor;
  /** Every index that lists the image; empty for one that came alone. */
  indexes: readonly ReceivedIndex[];
  config: ImageConfig;
  /** Bottom first; as many as config.rootfs.diff_ids. */
  layers: { diffId: Digest; blob: Descriptor }[];
  /** Full names, `docker.io/library/busybox:latest`; empty for a dangling image. */
  names: string[];
  /** What Docker shows as its size: the sum of the sizes of the layers' files. */
  sizeBytes: number;
  /** The config's `created`, known without reading it; empty if it has none. */
  created: string;
  /** When a name was last given to it in this store, RFC 3339; undefined for an image that never had one. */
  taggedAt?: string;
}
