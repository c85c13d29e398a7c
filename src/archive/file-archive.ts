import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { TarScanner } from "../kernels/tar-scan.ts";
import { type ArchiveContents, truncated } from "./contents.ts";
import { MemberTable } from "./member-names.ts";
import { tarMembers } from "./tar-records.ts";

/** Headers stand before each member: a little more than one is read at a time, data are passed over. */
const READ_BYTES = 8 * 1024;

/**
 * Lists the members of an uncompressed tar file by reading its headers only.
 * @throws TAR_INVALID, LIMIT_EXCEEDED, ARCHIVE_TRUNCATED, ARCHIVE_INVALID
 */
export function scanFileArchive(path: string, label = path, limits: ArchiveLimits = {}): ArchiveContents {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const scanner = new TarScanner(limits, { entriesLimit: "members" });
    const buffer = new Uint8Array(READ_BYTES);
    for (let at = 0; at < size;) {
      const skip = Math.min(scanner.skippableBytes, size - at);
      scanner.skipData(skip);
      at += skip;
      if (at === size) break;
      const got = readSync(fd, buffer, 0, READ_BYTES, at);
      if (got === 0) throw truncated(label);
      scanner.push(buffer.subarray(0, got));
      at += got;
    }
    const table = new MemberTable(label);
    for (const member of tarMembers(scanner.finish().records)) {
      if (member.kind === "symlink") table.addSymlink(member.name, member.linkTo);
      if (member.kind === "hardlink") table.addHardlink(member.name, member.linkTo);
      if (member.kind !== "file") continue;
      if (member.sparse) throw sparseMember(label, member.name);
      table.addFile({ name: member.name, size: member.size, location: { path, offset: member.dataOffset } });
    }
    return table;
  } finally {
    closeSync(fd);
  }
}

export function sparseMember(label: string, name: string): GantryError {
  return new GantryError("ARCHIVE_INVALID", `${label}: ${JSON.stringify(name)} is stored as a sparse file`, {
    remedy: "Make the archive again without tar's --sparse.",
  });
}
