import type { ImageAnalysis } from "../../../engine/analyze-image.ts";
import { alignColumns } from "../../format/align-columns.ts";
import { humanSize } from "../../format/byte-size.ts";
import { exportedNames } from "../../format/exported-names.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, intFlag, stringFlag } from "../../framework/flags.ts";
import { progressMode } from "../../progress/progress-flag.ts";
import { TREE_FLAGS, treeOptions } from "./tree-flags.ts";

const CREATED_BY_COLUMNS = 45;
const SHORT_DIGITS = 12;

export const command = defineCommand({
  summary: "Show what each layer of an image costs and how much of it is wasted",
  description:
    "Wasted are the bytes of files that a later layer deletes or writes again: they are stored and\n" +
    "transferred, and nobody sees them. The efficiency is the share of all bytes that the image shows.\n" +
    "gantry image squash gets rid of the waste. IMAGE may also be container:NAME or archive:FILE[:NAME].",
  operands: { synopsis: "IMAGE", min: 1, max: 1, completes: "image" },
  flags: {
    format: stringFlag(
      "Format output using a Go template:\n" +
        "'table':            Tables for people (default)\n" +
        "'json':             One JSON object\n" +
        "'TEMPLATE':         The template's result",
    ),
    "no-trunc": boolFlag("Don't truncate output"),
    ...TREE_FLAGS,
    top: intFlag("Show so many of the paths that waste most", { short: "n", default: 10, min: 0 }),
  },
  examples: [
    { says: "Where do the bytes go?", line: "gantry image analyze app:1" },
    { says: "A number for a check", line: "gantry image analyze --format '{{.Efficiency}}' app:1" },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { analyzeImage } = await import("../../../engine/analyze-image.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const store = openStore(context.storeRoot);
    const analysis = await withProgress(context, progressMode(flags), (reporter) =>
      analyzeImage(store, operands[0]!, reporter, treeOptions(context, flags)),
    );
    if (flags.format === "" || flags.format === "table") {
      context.stdout.write(analysisText(analysis, flags.top ?? 10, flags["no-trunc"]));
    } else if (flags.format === "json") {
      context.stdout.write(`${JSON.stringify(exportedNames(analysis))}\n`);
    } else {
      const { inspectionRenderer } = await import("../../format/inspected.ts");
      const render = await inspectionRenderer(flags.format);
      context.stdout.write(render([exportedNames(analysis) as object]));
    }
    return 0;
  },
});

/** Layers, the sum, the paths that waste most. */
function analysisText(analysis: ImageAnalysis, top: number, noTrunc: boolean): string {
  const shortened = (text: string): string => {
    const line = text.replace(/\s+/g, " ");
    return noTrunc || line.length <= CREATED_BY_COLUMNS ? line : `${line.slice(0, CREATED_BY_COLUMNS - 1)}…`;
  };
  const layers = analysis.layers.map((layer) => [
    String(layer.number),
    layer.diffId === undefined ? "changes" : noTrunc ? layer.diffId : layer.diffId.slice(7, 7 + SHORT_DIGITS),
    humanSize(layer.size),
    layer.wasted === 0 ? "0B" : `${humanSize(layer.wasted)} (${percent(layer.wasted / layer.size)})`,
    String(layer.files),
    String(layer.whiteouts),
    shortened(layer.createdBy),
  ]);
  const { size, visible, wasted, efficiency, wastedPaths } = analysis;
  const count = `${analysis.layers.length} layer${analysis.layers.length === 1 ? "" : "s"}`;
  const sum = `${count}, ${humanSize(size)}: ${humanSize(visible)} visible, ${humanSize(wasted)} wasted, efficiency ${percent(efficiency)}\n`;
  const text = `${tableText(["LAYER", "DIFF ID", "SIZE", "WASTED", "FILES", "WHITEOUTS", "CREATED BY"], layers)}\n${sum}`;
  if (wastedPaths.length === 0 || top === 0) return text;
  const paths = wastedPaths
    .slice(0, top)
    .map((wasted) => [humanSize(wasted.size), String(wasted.copies), wasted.fate, wasted.path]);
  const rest = wastedPaths.length - paths.length;
  const more = rest === 0 ? "" : `and ${rest} more (--top)\n`;
  return `${text}\n${tableText(["WASTED", "COPIES", "FATE", "PATH"], paths)}${more}`;
}

function tableText(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return alignColumns([titles, ...rows].map((cells) => `${cells.join("\t")}\n`).join(""));
}

/** Never rounds what is not all to 100 %. */
function percent(share: number): string {
  const tenths = share < 1 ? Math.min(999, Math.round(share * 1000)) : 1000;
  return `${tenths / 10}%`;
}
