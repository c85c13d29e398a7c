import { encodeIndex, encodeJson } from "../image/manifest.ts";
import type { Descriptor, ImageIndex } from "../image/types.ts";
import { FULL_NAME, indexLines, layoutReferences, REFERENCE, tagOf } from "./oci-items.ts";
import type { SavedEntry } from "./saved-entry.ts";

/**
 * The index.json of a layout to which `entries` are added. As with skopeo and umoci a name moves to the image that is
 * added, and all else that the index says stays: other lines, annotations, fields that gantry does not know.
 * @param known the layout's index; undefined for a new layout
 */
export function layoutIndex(
  known: ImageIndex | undefined,
  entries: SavedEntry[],
  annotations?: Record<string, string>,
): Uint8Array {
  const names = entries.flatMap((entry) => entry.names);
  const stays = (known?.manifests ?? []).filter((line) => !names.some((name) => isOf(line, name)));
  const others = stays.flatMap((line) => line.annotations?.[FULL_NAME] ?? []);
  const referenceOf = layoutReferences([...names, ...others]);
  const added = entries.flatMap((entry) => indexLines(entry, referenceOf));
  const manifests = [...stays, ...added.filter((line) => line.annotations !== undefined || !isListed(stays, line))];
  if (known === undefined) return encodeIndex(manifests, annotations);
  if (annotations === undefined) return encodeJson({ ...known, manifests });
  return encodeJson({ ...known, manifests, annotations: { ...known.annotations, ...annotations } });
}

/** Whether a line of an index is what `name` means: by its full name, or by the tag alone where another tool wrote it. */
function isOf({ annotations }: Descriptor, name: string): boolean {
  const full = annotations?.[FULL_NAME];
  if (full !== undefined) return full === name;
  const reference = annotations?.[REFERENCE];
  return reference !== undefined && (reference === name || reference === tagOf(name));
}

function isListed(lines: readonly Descriptor[], line: Descriptor): boolean {
  return lines.some((other) => other.digest === line.digest);
}
