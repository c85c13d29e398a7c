import type { CommandEntry } from "../../framework/command.ts";

export const MANIFEST_ENTRIES: readonly CommandEntry[] = [
  { names: ["manifest inspect"], load: () => import("./inspect.ts") },
];
