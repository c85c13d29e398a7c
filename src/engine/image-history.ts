import { familiarReference } from "../image/reference.ts";
import type { Digest } from "../image/types.ts";
import { layerSize } from "../store/layer-size.ts";
import type { Store } from "../store/store.ts";

/** One row of `history`, newest first. */
export interface HistoryRow {
  /** The image's id for the newest row; `<missing>` for the others, which are no images of their own. */
  id: Digest | "<missing>";
  /** RFC 3339 as the config has it; undefined where it has none. */
  created: string | undefined;
  createdBy: string;
  /** Sum of the sizes of the layer's files; 0 for a step that made no layer. */
  sizeBytes: number;
  comment: string;
  /** Names of the image, familiar form; empty but for the newest row. */
  tags: string[];
}

/**
 * How the image came to be: one row a build step, newest first, as `docker history` shows it.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, STORE_CORRUPT
 */
export function imageHistory(store: Store, reference: string): HistoryRow[] {
  const image = store.resolveImage(reference);
  let layer = 0;
  const rows = (image.config.history ?? []).map((step): HistoryRow => {
    const made = step.empty_layer === true ? undefined : image.layers[layer++];
    return {
      id: "<missing>",
      created: step.created,
      createdBy: step.created_by ?? "",
      sizeBytes: made === undefined ? 0 : layerSize(store.layout.layerIndex(made.diffId)),
      comment: step.comment ?? "",
      tags: [],
    };
  });
  rows.reverse();
  if (rows[0] !== undefined) rows[0] = { ...rows[0], id: image.id, tags: image.names.map(familiarReference) };
  return rows;
}
