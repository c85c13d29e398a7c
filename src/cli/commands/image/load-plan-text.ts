import { leftText } from "../../../engine/complete-images.ts";
import type { LoadPlan, PlannedImage, PlannedLayer } from "../../../engine/plan-load.ts";
import { digestHex } from "../../../image/digest.ts";
import { formatPlatform } from "../../../image/platform.ts";
import type { Digest } from "../../../image/types.ts";
import { humanSize } from "../../format/byte-size.ts";
import { shortId } from "../../format/short-id.ts";

const STATES = { stored: "in the store", read: "to be read", missing: "missing" } as const;

/** What `load --dry-run` prints: a paragraph an image, then the sum. */
export function loadPlanText({ images, left }: LoadPlan): string {
  const layers = distinctLayers(images);
  const lines = [...images.flatMap(imageLines), ...left.map(leftText), sumLine(images, layers)];
  return lines.map((line) => `${line}\n`).join("");
}

function imageLines({ names, moves, platforms }: PlannedImage): string[] {
  const title = names.length === 0 ? "<none>" : names.join(", ");
  const moved = moves.map(({ name, from }) => `  ${name} moves here from ${shortId(from)}`);
  const each = platforms.flatMap(({ id, platform, known, layers }) => [
    `  ${formatPlatform(platform)}  ${shortId(id)}  ${known ? "in the store" : "to be added"}`,
    ...layers.map(({ digest, sizeBytes, state }) => {
      const size = sizeBytes === undefined ? "" : humanSize(sizeBytes);
      return `    ${digestHex(digest).slice(0, 12)}  ${size.padStart(7)}  ${STATES[state]}`;
    }),
  ]);
  return [title, ...moved, ...each];
}

function distinctLayers(images: PlannedImage[]): PlannedLayer[] {
  const all = images.flatMap(({ platforms }) => platforms.flatMap(({ layers }) => layers));
  return [...new Map<Digest, PlannedLayer>(all.map((layer) => [layer.digest, layer])).values()];
}

function sumLine(images: PlannedImage[], layers: PlannedLayer[]): string {
  const sum = (state: PlannedLayer["state"]): string => {
    const chosen = layers.filter((layer) => layer.state === state);
    const bytes = chosen.reduce((total, layer) => total + (layer.sizeBytes ?? 0), 0);
    return `${chosen.length} ${chosen.length === 1 ? "layer" : "layers"} (${humanSize(bytes)}) ${STATES[state]}`;
  };
  const added = images.flatMap(({ platforms }) => platforms).filter(({ known }) => !known).length;
  const states = (["read", "stored", "missing"] as const).filter((state) =>
    layers.some((layer) => layer.state === state),
  );
  return `${added} ${added === 1 ? "image" : "images"} to be added; ${states.map(sum).join(", ") || "no layers"}`;
}
