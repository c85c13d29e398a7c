import { closeSync, openSync, readSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { MAX_JSON_BYTES } from "../image/parse-json.ts";

/**
 * Where the bytes of a regular file of an archive are: a range of a file, or in memory; fewer than `size` in memory where
 * an archive was only looked through, and its bytes passed over.
 */
type FileLocation = { path: string; offset: number } | { bytes: Uint8Array };

/** A regular file of an image archive or layout directory. */
export interface ArchiveFile {
  /** As found, for messages. */
  name: string;
  size: number;
  location: FileLocation;
}

/**
 * What an archive or layout holds, by name. Names are normalised: no leading "./" or "/", no empty or "." components.
 * Three makers: scanFileArchive, spoolArchive, openLayoutDirectory.
 */
export interface ArchiveContents {
  /** How messages call the whole: its path, or "standard input". */
  readonly label: string;
  /** The file of that name, links followed; undefined if there is none. @throws ARCHIVE_INVALID for links in a circle */
  find(name: string): ArchiveFile | undefined;
  /** The names of the directories at the top. */
  topDirectories(): string[];
}

/** What an archive holds in one of its directories, as if that were all. */
export function contentsBelow(contents: ArchiveContents, directory: string): ArchiveContents {
  return {
    label: contents.label,
    find: (name) => contents.find(`${directory}/${name}`),
    topDirectories: () => [],
  };
}

/**
 * Reads a small file (JSON) whole.
 * @throws ARCHIVE_INVALID if it is too large to be one, ARCHIVE_TRUNCATED
 */
export function readArchiveFile(file: ArchiveFile): Uint8Array {
  if (file.size > MAX_JSON_BYTES) {
    throw new GantryError(
      "ARCHIVE_INVALID",
      `${file.name} is ${file.size} bytes long; no JSON document of an image is`,
    );
  }
  if ("bytes" in file.location) {
    const { bytes } = file.location;
    if (bytes.length === file.size) return bytes;
    throw new GantryError("ARCHIVE_INVALID", `${file.name} was passed over: it does not look like a JSON document`);
  }
  const bytes = new Uint8Array(file.size);
  const fd = openSync(file.location.path, "r");
  try {
    for (let done = 0; done < bytes.length;) {
      const got = readSync(fd, bytes, done, bytes.length - done, file.location.offset + done);
      if (got === 0) throw truncated(file.name);
      done += got;
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}

export function truncated(label: string): GantryError {
  return new GantryError("ARCHIVE_TRUNCATED", `${label} ends in the middle: the archive is truncated`, {
    remedy: "Copy or save the archive again.",
  });
}
