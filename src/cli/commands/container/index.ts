import type { CommandEntry } from "../../framework/command.ts";

export const CONTAINER_ENTRIES: readonly CommandEntry[] = [
  { names: ["container attach", "attach"], load: () => import("./attach.ts") },
  { names: ["container commit", "commit"], load: () => import("./commit.ts") },
  { names: ["container cp", "cp"], load: () => import("./cp.ts") },
  { names: ["container create", "create"], load: () => import("./create.ts") },
  { names: ["container diff", "diff"], load: () => import("./diff.ts") },
  { names: ["container export", "export"], load: () => import("./export.ts") },
  { names: ["container inspect"], load: () => import("./inspect.ts") },
  { names: ["container kill", "kill"], load: () => import("./kill.ts") },
  { names: ["container logs", "logs"], load: () => import("./logs.ts") },
  { names: ["container ls", "container list", "container ps", "ps"], load: () => import("./ls.ts") },
  { names: ["container prune"], load: () => import("./prune.ts") },
  { names: ["container rm", "container remove", "rm"], load: () => import("./rm.ts") },
  { names: ["container run", "run"], load: () => import("./run.ts") },
  { names: ["container start", "start"], load: () => import("./start.ts") },
  { names: ["container stop", "stop"], load: () => import("./stop.ts") },
  { names: ["container wait", "wait"], load: () => import("./wait.ts") },
];
