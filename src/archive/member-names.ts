import { posix } from "node:path";
import { GantryError } from "../errors/index.ts";
import type { ArchiveContents, ArchiveFile } from "./contents.ts";

/** The forty links that a kernel follows. */
const MAX_LINKS = 40;

/**
 * A member's name in the form in which it is looked up.
 * @throws ARCHIVE_INVALID for a name that leads outside
 */
export function normalizeMemberName(name: string, label: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.includes("\0")) {
    throw new GantryError(
      "ARCHIVE_INVALID",
      `${label} has a member called ${JSON.stringify(name)}, which leads outside`,
      {
        details: { member: name },
      },
    );
  }
  return parts.join("/");
}

/** Collects the members of an archive; a later member of a name replaces an earlier one, as when unpacking. */
export class MemberTable implements ArchiveContents {
  readonly #entries = new Map<string, ArchiveFile | { linkTo: string }>();

  constructor(readonly label: string) {}

  addFile(file: ArchiveFile): void {
    this.#entries.set(normalizeMemberName(file.name, this.label), file);
  }

  /** A symbolic link's target is relative to its directory. */
  addSymlink(name: string, target: string): void {
    const from = normalizeMemberName(name, this.label);
    const joined = target.startsWith("/") ? target : posix.join(posix.dirname(from), target);
    // A link that leads outside is no error until a manifest wants it: then its target is missing.
    this.#entries.set(from, { linkTo: posix.normalize(joined).replace(/^\/+/, "") });
  }

  /** A hard link's target is the name of an earlier member. */
  addHardlink(name: string, target: string): void {
    this.#entries.set(normalizeMemberName(name, this.label), { linkTo: normalizeMemberName(target, this.label) });
  }

  topDirectories(): string[] {
    const tops = [...this.#entries.keys()].filter((name) => name.includes("/")).map((name) => name.split("/", 1)[0]);
    return [...new Set(tops as string[])];
  }

  find(name: string): ArchiveFile | undefined {
    let wanted = normalizeMemberName(name, this.label);
    for (let followed = 0; followed <= MAX_LINKS; followed++) {
      const found = this.#entries.get(wanted);
      if (found === undefined) return undefined;
      if (!("linkTo" in found)) return found;
      wanted = found.linkTo;
    }
    throw new GantryError("ARCHIVE_INVALID", `${this.label}: the links of ${JSON.stringify(name)} lead in a circle`);
  }
}
