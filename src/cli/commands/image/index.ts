import type { CommandEntry } from "../../framework/command.ts";

export const IMAGE_ENTRIES: readonly CommandEntry[] = [];
