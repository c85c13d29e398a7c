import { platformFlag } from "./tree-flags.ts";
import type { SquashedImage, SquashImageOptions } from "../../../engine/squash-image.ts";
import type { Timestamp } from "../../../image/timestamp.ts";
import { humanSize } from "../../format/byte-size.ts";
import type { CommandContext } from "../../framework/context.ts";
import { boolFlag, listFlag, stringFlag } from "../../framework/flags.ts";
import { timestampFlag, wantedTimestamp } from "../../framework/timestamp-flag.ts";
import { PROGRESS_FLAGS, type ProgressMode, progressMode } from "../../progress/progress-flag.ts";

/** Flags of `squash` and `flatten`. */
export const SQUASH_FLAGS = {
  message: stringFlag("Comment of the new step in the image's history", { short: "m" }),
  platform: platformFlag,
  ...PROGRESS_FLAGS,
  quiet: boolFlag("Suppress progress and what was saved: print only the new image's ID", { short: "q" }),
  tag: listFlag("Name of the new image (REPOSITORY[:TAG]); may be given often", { short: "t" }),
  timestamp: timestampFlag,
} as const;

export interface SquashFlags {
  readonly message: string;
  readonly platform: string;
  readonly progress: ProgressMode;
  readonly quiet: boolean;
  readonly tag: readonly string[];
  readonly timestamp: Timestamp | undefined;
}

/** Squashes, prints the id, and on standard error what came of it. */
export async function runSquash(
  context: CommandContext,
  reference: string,
  flags: SquashFlags,
  from: string | undefined,
): Promise<number> {
  const timestamp = wantedTimestamp(context, flags.timestamp);
  const { openStore } = await import("../../../store/open-store.ts");
  const { squashImage } = await import("../../../engine/squash-image.ts");
  const { parsePlatform } = await import("../../../image/platform.ts");
  const { withProgress } = await import("../../progress/with-progress.ts");
  const store = openStore(context.storeRoot);
  const options: SquashImageOptions = {
    names: flags.tag,
    ...(flags.platform === "" ? {} : { platform: parsePlatform(flags.platform) }),
    ...(from === undefined ? {} : { from }),
    ...(flags.message === "" ? {} : { message: flags.message }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
  const squashed = await withProgress(context, progressMode(flags), (reporter) =>
    squashImage(store, reference, options, reporter),
  );
  if (!flags.quiet) context.stderr.write(`${outcome(squashed)}\n`);
  context.stdout.write(`${squashed.image.id}\n`);
  return 0;
}

function outcome({ layersBefore, layersAfter, sizeBefore, sizeAfter }: SquashedImage): string {
  if (layersBefore === layersAfter) return "Nothing to squash: these layers are one already";
  const saved = sizeBefore - sizeAfter;
  return `${layersBefore} layers, ${humanSize(sizeBefore)} -> ${layersAfter}, ${humanSize(sizeAfter)} (${humanSize(saved)} saved)`;
}
