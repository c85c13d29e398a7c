import type { FilteredImage } from "../../../engine/filter-images.ts";
import { formatPlatform } from "../../../image/platform.ts";
import { indexOfName } from "../../../image/received-index.ts";
import { familiarReference } from "../../../image/reference.ts";
import type { Image } from "../../../image/types.ts";
import { imageUsers } from "../../../store/image-users.ts";
import type { Store } from "../../../store/store.ts";
import { humanSize } from "../../format/byte-size.ts";
import { shortId } from "../../format/short-id.ts";

const TITLES = ["IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA"];

/** A line: what it is, id, size of the files, size of the blobs, marks. */
type Cells = [name: string, id: string, disk: string, content: string, extra: string];

/**
 * `images --tree`: each name with the platforms of its index below it. DISK USAGE is the size of the images' files,
 * CONTENT SIZE that of their blobs, which may be compressed; `U` marks what containers were made from.
 */
export function imageTree(store: Store, selected: readonly FilteredImage[], noTrunc: boolean): string {
  const all = store.images();
  const shown = (digest: string): string => (noTrunc ? digest : shortId(digest));
  const row = (name: string, id: string, images: readonly Image[]): Cells => [
    name,
    shown(id),
    humanSize(images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
    humanSize(images.reduce((sum, image) => sum + contentBytes(image), 0)),
    images.some(({ id: image }) => imageUsers(store.layout, image).length > 0) ? "U" : "",
  ];
  const lines: Cells[] = [];
  for (const { image, names } of selected) {
    for (const name of names.length === 0 ? [undefined] : names) {
      const index = name === undefined ? image.index : indexOfName(image, name);
      const platforms =
        index === undefined
          ? [image]
          : all.filter(
              (other) =>
                (name === undefined ? other.names.length === 0 : other.names.includes(name)) &&
                other.indexes.some(({ descriptor }) => descriptor.digest === index.digest),
            );
      lines.push(
        row(name === undefined ? "<untagged>" : familiarReference(name), index?.digest ?? image.id, platforms),
      );
      if (index === undefined) continue;
      for (const [at, platform] of platforms.entries()) {
        const branch = at === platforms.length - 1 ? "└─" : "├─";
        lines.push(row(`${branch} ${formatPlatform(platform.platform)}`, platform.id, [platform]));
      }
    }
  }
  return aligned([TITLES as Cells, ...lines]);
}

function contentBytes(image: Image): number {
  return image.layers.reduce((sum, { blob }) => sum + blob.size, image.manifest.size);
}

/** Sizes end where their titles end; everything else begins where its title begins. */
function aligned(lines: readonly Cells[]): string {
  const widths = TITLES.map((_, column) => Math.max(...lines.map((cells) => Array.from(cells[column]!).length)));
  const text = lines.map((cells) =>
    cells
      .map((cell, column) => {
        const missing = " ".repeat(widths[column]! - Array.from(cell).length);
        return column === 2 || column === 3 ? missing + cell : cell + missing;
      })
      .join("   ")
      .trimEnd(),
  );
  return text.map((line) => `${line}\n`).join("");
}
