import { ContainerPaths } from "../runtime/container-paths.ts";
import type { ContainerRecord } from "../runtime/container-record.ts";
import { writableBytes } from "../runtime/container-size.ts";
import { layerSize } from "../store/layer-size.ts";
import type { Store } from "../store/store.ts";

export interface ContainerSize {
  /** Docker's SizeRw: the container's own files. */
  writableBytes: number;
  /** Docker's SizeRootFs: with those of its image. */
  totalBytes: number;
}

/** Measures containers of a store. Images' sizes are known; containers' own files are counted at each call. */
export function containerSizes(store: Store): (record: ContainerRecord) => ContainerSize {
  let images: Map<string, number> | undefined;
  return (record) => {
    images ??= new Map(store.images().map((image) => [image.id, image.sizeBytes]));
    // The layers of an image that was removed by force stay for the container.
    const below =
      images.get(record.image) ??
      record.layers.reduce((sum, diffId) => sum + layerSize(store.layout.layerIndex(diffId)), 0);
    const own = writableBytes(new ContainerPaths(store.layout, record.id));
    return { writableBytes: own, totalBytes: own + below };
  };
}
