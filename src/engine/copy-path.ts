import { posix } from "node:path";
import { GantryError } from "../errors/index.ts";

/** One side of `cp`: a path here, a path in a container, or a tar stream. */
export type CopyEnd =
  { kind: "stream" } | { kind: "local"; path: string } | { kind: "container"; container: string; path: string };

/**
 * Reads an argument as Docker does: `-` is a stream; what is absolute, has no colon, or begins with a dot before the first
 * colon (`./a:b`) is local.
 */
export function parseCopyEnd(text: string): CopyEnd {
  if (text === "-") return { kind: "stream" };
  const colon = text.indexOf(":");
  if (text.startsWith("/") || text.startsWith(".") || colon < 0) return { kind: "local", path: text };
  return { kind: "container", container: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** A path taken apart as copying needs it. */
export interface CopyPath {
  /** As it was given, for messages. */
  given: string;
  /** Absolute, cleaned as text, without a slash at the end. */
  path: string;
  /** The last name; empty for the root. */
  name: string;
  /** `/` or `/.` at its end: it names a directory; with the dot, what is in it. */
  ending: "" | "/" | "/.";
}

/**
 * Takes a path apart; a relative one is below `base`.
 * @throws PATH_INVALID for an empty one
 */
export function copyPath(given: string, base: string): CopyPath {
  if (given === "") {
    throw new GantryError("PATH_INVALID", "the path must not be empty", { remedy: "Give a path after the colon." });
  }
  const path = posix.resolve("/", base, given);
  const ending = given === "." || given.endsWith("/.") ? "/." : given.endsWith("/") ? "/" : "";
  return { given, path, name: posix.basename(path), ending };
}
