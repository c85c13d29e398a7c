import type { CommandEntry } from "../../framework/command.ts";

export const SYSTEM_ENTRIES: readonly CommandEntry[] = [{ names: ["version"], load: () => import("./version.ts") }];
