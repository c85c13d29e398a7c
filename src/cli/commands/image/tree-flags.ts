import type { OpenTreeOptions } from "../../../engine/file-tree.ts";
import { parsePlatform } from "../../../image/platform.ts";
import type { ArchiveLimits } from "../../../kernels/archive-limits.ts";
import type { CommandContext } from "../../framework/context.ts";
import { type Flag, stringFlag } from "../../framework/flags.ts";
import { PROGRESS_FLAGS } from "../../progress/progress-flag.ts";
import { archiveLimits, limitFlag } from "./limit-flags.ts";

/** `--platform`: which image a name means that stands for several. */
export const platformFlag = stringFlag('Of a multi-platform image take this one, "os[/arch[/variant]]"');

/** Flags of the commands that look into images, archives and containers. */
export const TREE_FLAGS = {
  limit: limitFlag,
  platform: platformFlag,
  ...PROGRESS_FLAGS,
} satisfies Record<string, Flag>;

/** What these flags say. @throws PLATFORM_INVALID, USAGE for a GANTRY_LIMITS that makes no sense */
export function treeOptions(
  context: CommandContext,
  { limit, platform }: { limit: ArchiveLimits; platform: string },
): OpenTreeOptions {
  return { limits: archiveLimits(context, limit), ...(platform === "" ? {} : { platform: parsePlatform(platform) }) };
}
