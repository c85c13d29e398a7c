import { isDigest } from "./digest.ts";
import type { Digest } from "./types.ts";

/** An image whose layers a delta archive leaves out: who loads the archive needs it, or those layers of it. */
export interface DeltaBase {
  /** The image's id. */
  id: Digest;
  /** The full name by which it was asked for; undefined if that was an id. */
  name?: string;
}

/** The annotation of index.json (OCI image-spec, annotations.md) that says which images a delta archive needs. */
const ANNOTATION = "io.gantry.delta.since";

/** The annotations of the index of a delta against `bases`: a JSON list, in the order given. */
export function deltaAnnotations(bases: readonly DeltaBase[]): Record<string, string> {
  return { [ANNOTATION]: JSON.stringify(bases) };
}

/**
 * The images that an index says its layers are missing from; empty for an archive that is no delta. What is no list of
 * such images is ignored: it only serves messages.
 */
export function deltaBases(annotations: Readonly<Record<string, string>> | undefined): DeltaBase[] {
  const text = annotations?.[ANNOTATION];
  if (typeof text !== "string") return [];
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: { id?: unknown; name?: unknown } | null) => {
    if (!isDigest(item?.id)) return [];
    return [{ id: item.id, ...(typeof item.name === "string" ? { name: item.name } : {}) }];
  });
}
