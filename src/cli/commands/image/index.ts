import type { CommandEntry } from "../../framework/command.ts";

export const IMAGE_ENTRIES: readonly CommandEntry[] = [
  { names: ["image analyze"], load: () => import("./analyze.ts") },
  { names: ["image cat"], load: () => import("./cat.ts") },
  { names: ["image diff"], load: () => import("./diff.ts") },
  { names: ["image du"], load: () => import("./du.ts") },
  { names: ["image flatten"], load: () => import("./flatten.ts") },
  { names: ["image history", "history"], load: () => import("./history.ts") },
  { names: ["image import", "import"], load: () => import("./import.ts") },
  { names: ["image inspect"], load: () => import("./inspect.ts") },
  { names: ["image load", "load"], load: () => import("./load.ts") },
  { names: ["image ls", "image list", "images"], load: () => import("./ls.ts") },
  { names: ["image ls-files"], load: () => import("./ls-files.ts") },
  { names: ["image prune"], load: () => import("./prune.ts") },
  { names: ["image rm", "image remove", "rmi"], load: () => import("./rm.ts") },
  { names: ["image save", "save"], load: () => import("./save.ts") },
  { names: ["image squash"], load: () => import("./squash.ts") },
  { names: ["image tag", "tag"], load: () => import("./tag.ts") },
];
