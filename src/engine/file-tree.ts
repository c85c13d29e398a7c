import type { TreeSource } from "../archive/tree-reader.ts";
import type { Digest, ImageConfig, Platform, RunConfig } from "../image/types.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import type { LayerIndex } from "../layer/layer-index.ts";

/** Which of the trees that a name means is opened, and how. A container has one platform, and no foreign bytes. */
export interface OpenTreeOptions {
  /** Exactly this one of a multi-platform image; else the host's, else the first. */
  platform?: Platform;
  /** Of what is read of an archive. */
  limits?: ArchiveLimits;
}

/** One layer of a tree. */
export interface TreeLayer {
  /** Undefined for a container's own changes. */
  diffId: Digest | undefined;
  /** Its own index: with whiteouts and opaque directories. */
  index: () => LayerIndex;
}

/** The files of an image, an archive's image or a container, where they lie: nothing is unpacked. `dispose` it. */
export interface FileTree {
  kind: "image" | "archive" | "container";
  /** As the user called it, without a prefix. */
  label: string;
  /** The image's id, the container's id. */
  id: string;
  /** The tree of all its layers. */
  index: LayerIndex;
  /** Where the data of the index's layers are, bottom first. */
  sources: TreeSource[];
  /** What the sources are, bottom first: equal keys of two trees are the same bytes. */
  sourceKeys: string[];
  layers: TreeLayer[];
  /** Of a container only what containers have: `config`. */
  config: Partial<ImageConfig> & { config?: RunConfig };
  dispose(): Promise<void>;
}
