import type { AccountFiles } from "./container-user.ts";
import { type ImageTree, readImageFile } from "./image-files.ts";

/** What starting a container needs to know of its image's files. */
export interface ImageFacts extends AccountFiles {
  /** Attributes of `/`; mtime in seconds. */
  root: { mode: number; uid: number; gid: number; mtime: number };
}

/** Looks the facts up in an image's index and layers. */
export function readImageFacts(tree: ImageTree): ImageFacts {
  const { index } = tree;
  const root = index.inodeOf(0) as number;
  return {
    root: {
      mode: index.modeOf(root),
      uid: index.uidOf(root),
      gid: index.gidOf(root),
      mtime: index.mtimeSecondsOf(root) + index.mtimeNanosecondsOf(root) / 1e9,
    },
    passwd: readImageFile(tree, "/etc/passwd")?.toString("utf8"),
    group: readImageFile(tree, "/etc/group")?.toString("utf8"),
  };
}

/** Facts of an image without layers. */
export const EMPTY_IMAGE_FACTS: ImageFacts = {
  root: { mode: 0o755, uid: 0, gid: 0, mtime: 0 },
  passwd: undefined,
  group: undefined,
};
