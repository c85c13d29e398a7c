import type { CommandEntry } from "../../framework/command.ts";

export const CONTAINER_ENTRIES: readonly CommandEntry[] = [];
