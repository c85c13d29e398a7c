import type { CommandEntry } from "../../framework/command.ts";

export const SYSTEM_ENTRIES: readonly CommandEntry[] = [
  { names: ["system bench"], load: () => import("./bench.ts") },
  { names: ["completion"], load: () => import("./completion.ts") },
  { names: ["system df"], load: () => import("./df.ts") },
  { names: ["system events", "events"], load: () => import("./events.ts") },
  { names: ["system fsck"], load: () => import("./fsck.ts") },
  { names: ["system info", "info"], load: () => import("./info.ts") },
  { names: ["system prune"], load: () => import("./prune.ts") },
  { names: ["inspect"], load: () => import("./inspect.ts") },
  { names: ["version"], load: () => import("./version.ts") },
];
