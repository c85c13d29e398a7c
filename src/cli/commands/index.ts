import type { Noun } from "../framework/find-command.ts";
import { CONTAINER_ENTRIES } from "./container/index.ts";
import { IMAGE_ENTRIES } from "./image/index.ts";
import { MANIFEST_ENTRIES } from "./manifest/index.ts";
import { SYSTEM_ENTRIES } from "./system/index.ts";

/** Every command there is. Only names and loaders: a verb's module is read when it is called or listed. */
export const NOUNS: readonly Noun[] = [
  { name: "container", summary: "Manage containers", entries: CONTAINER_ENTRIES },
  { name: "image", summary: "Manage images", entries: IMAGE_ENTRIES },
  { name: "manifest", summary: "Look at image manifests and lists of manifests", entries: MANIFEST_ENTRIES },
  { name: "system", summary: "Manage gantry", entries: SYSTEM_ENTRIES },
];
