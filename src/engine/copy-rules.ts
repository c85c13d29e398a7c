import { GantryError } from "../errors/index.ts";

/** What is known of a copy's source. */
export interface CopySource {
  isDirectory: boolean;
  /** What the directory holds is meant, not the directory: `dir/.`. */
  contentsOnly: boolean;
  /** What the copy is called in a directory; empty for a root. */
  name: string;
}

/** What is known of a copy's destination, symbolic links at its end followed. */
export interface CopyDestination {
  state: "directory" | "file" | "missing";
  /** Its path ends with a slash: it has to be a directory. */
  assertsDirectory: boolean;
}

/** Into the destination directory, under the source's name or as its content; or under the destination's own name. */
export type CopyPlacement = { into: "destination"; name: string } | { into: "parent" };

/**
 * Where a copy goes, by Docker's rules for `cp`:
 * a file becomes a missing destination, replaces a file, goes into a directory; a directory becomes a missing destination, goes into a directory,
 * or, as `dir/.`, joins it.
 * @throws COPY_CONFLICT where the two do not fit
 */
export function placeCopy(source: CopySource, destination: CopyDestination): CopyPlacement {
  if (destination.state === "directory") {
    return { into: "destination", name: source.contentsOnly ? "" : source.name };
  }
  if (destination.state === "file") {
    if (source.isDirectory) {
      throw new GantryError("COPY_CONFLICT", "cannot copy directory: the destination is a file", {
        remedy: "Choose a destination that is a directory, or does not exist.",
      });
    }
    if (destination.assertsDirectory) {
      throw new GantryError("COPY_CONFLICT", "not a directory: the destination is a file", {
        remedy: "Leave out the slash at its end to replace it.",
      });
    }
  } else if (destination.assertsDirectory && !source.isDirectory) {
    throw new GantryError("COPY_CONFLICT", "no such directory: the destination does not exist", {
      remedy: "Make the directory first, or leave out the slash at its end.",
    });
  }
  return { into: "parent" };
}
