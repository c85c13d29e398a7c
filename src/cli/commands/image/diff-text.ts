import type { ComparedFile, FileFacts, ImageDiff } from "../../../engine/diff-images.ts";
import { alignColumns } from "../../format/align-columns.ts";
import { humanSize } from "../../format/byte-size.ts";
import { fileMode } from "../../format/file-mode.ts";
import type { Listing } from "../../format/listing.ts";

/** One difference of any section, as tables and templates show it. */
export interface DiffRow {
  readonly section: "file" | "config" | "package";
  /** Docker's letters: added, changed, deleted. */
  readonly kind: "A" | "C" | "D";
  /** A file's path, `Env FOO`, a package's name. */
  readonly name: string;
  /** What differs about a file. */
  readonly changes: string;
  /** Made when asked for: of thousands of files nobody may. */
  from(): string;
  to(): string;
  readonly file?: ComparedFile;
}

const LETTERS = { added: "A", changed: "C", deleted: "D" } as const;

/** Every difference of the sections that were compared. */
export function diffRows(diff: ImageDiff): DiffRow[] {
  const rows: DiffRow[] = (diff.files ?? []).map((file) => new FileRow(file));
  for (const { kind, field, key, from = "", to = "" } of diff.config ?? []) {
    const name = key === undefined ? field : `${field} ${key}`;
    rows.push({ section: "config", kind: LETTERS[kind], name, changes: "", from: () => from, to: () => to });
  }
  for (const { kind, name, architecture, from = "", to = "" } of diff.packages ?? []) {
    const full = architecture === "" ? name : `${name}:${architecture}`;
    rows.push({ section: "package", kind: LETTERS[kind], name: full, changes: "", from: () => from, to: () => to });
  }
  return rows;
}

/** One of thousands: no more of it is made than is asked for. */
class FileRow implements DiffRow {
  readonly section = "file";
  readonly file: ComparedFile;

  constructor(file: ComparedFile) {
    this.file = file;
  }

  get kind(): DiffRow["kind"] {
    return this.file.kind;
  }

  get name(): string {
    return this.file.path;
  }

  get changes(): string {
    return this.file.aspects.join(", ");
  }

  from(): string {
    return this.file.from === undefined ? "" : factsText(this.file.from);
  }

  to(): string {
    return this.file.to === undefined ? "" : factsText(this.file.to);
  }
}

function factsText(facts: FileFacts): string {
  const what = facts.target === undefined ? "" : ` -> ${facts.target}`;
  const size = facts.size === undefined ? "" : ` ${facts.size}`;
  return `${fileMode(facts.type, facts.mode)} ${facts.uid}:${facts.gid}${size}${what}`;
}

/** The fields of a difference in templates. */
export const DIFF_LISTING: Listing<DiffRow> = {
  typeName: "difference",
  quiet: "Name",
  table: ["Kind", "Name", "Changes", "From", "To"],
  fields: {
    Changes: { title: "CHANGES", value: ({ changes }) => changes },
    From: { title: "FROM", value: (row) => row.from() },
    Kind: { title: "KIND", value: ({ kind }) => kind },
    Name: { title: "NAME", value: ({ name }) => name },
    Path: { title: "PATH", value: ({ file }) => file?.path ?? "" },
    Section: { title: "SECTION", value: ({ section }) => section },
    SizeDelta: {
      title: "SIZE DELTA",
      value: ({ file }) => (file === undefined ? 0 : (file.to?.size ?? 0) - (file.from?.size ?? 0)),
    },
    To: { title: "TO", value: (row) => row.to() },
    Type: { title: "TYPE", value: ({ file }) => (file?.to ?? file?.from)?.type ?? "" },
  },
};

/** `A /path` a line, as `docker diff` prints. */
export function nameStatusText(rows: readonly DiffRow[]): string {
  return rows.map(({ kind, name }) => `${kind} ${name}\n`).join("");
}

const TITLES = { file: "Files", config: "Config", package: "Packages" } as const;

/** The sections one below the other, each with a line that counts; `summary`: these lines only. */
export function diffText(diff: ImageDiff, rows: readonly DiffRow[], options: { summary: boolean }): string {
  const sections = (["file", "config", "package"] as const).filter((section) => {
    if (section === "file") return diff.files !== undefined;
    return section === "config" ? diff.config !== undefined : diff.packages !== undefined;
  });
  const texts = sections.map((section) => {
    const own = rows.filter((row) => row.section === section);
    const size = section === "file" && own.length > 0 ? ` (${sizeText(diff.sizeDelta ?? 0)})` : "";
    const notes = section === "package" ? (diff.packageNotes ?? []).map((note) => `note: ${note}\n`).join("") : "";
    const heading = `${TITLES[section]}: ${countsText(own)}${size}\n${notes}`;
    return options.summary ? heading : heading + sectionText(own);
  });
  return texts.join(options.summary ? "" : "\n");
}

function countsText(rows: readonly DiffRow[]): string {
  if (rows.length === 0) return "no differences";
  const count = (letter: DiffRow["kind"], word: string): string[] => {
    const found = rows.filter(({ kind }) => kind === letter).length;
    return found === 0 ? [] : [`${found} ${word}`];
  };
  return [...count("A", "added"), ...count("C", "changed"), ...count("D", "deleted")].join(", ");
}

function sizeText(delta: number): string {
  return `${delta < 0 ? "-" : "+"}${humanSize(Math.abs(delta))}`;
}

function sectionText(rows: readonly DiffRow[]): string {
  const lines = rows.map((row) => {
    if (row.file !== undefined) return `${row.kind} ${row.name}${fileNote(row.file)}\n`;
    const value = row.kind === "C" ? `${row.from()} -> ${row.to()}` : row.kind === "A" ? row.to() : row.from();
    return `${row.kind} ${row.name}${value === "" ? "" : `\t${value}`}\n`;
  });
  return alignColumns(lines.join(""), 0, 2);
}

/** What is worth a word about a changed file, beside its path. */
function fileNote(file: ComparedFile): string {
  if (file.kind !== "C") return "";
  const { aspects, from, to } = file;
  if (from === undefined || to === undefined) return "";
  const words = aspects.map((aspect) => {
    if (aspect === "content" && from.size !== to.size) return `content ${from.size}B -> ${to.size}B`;
    if (aspect === "mode") return `mode ${fileMode(from.type, from.mode)} -> ${fileMode(to.type, to.mode)}`;
    if (aspect === "owner") return `owner ${from.uid}:${from.gid} -> ${to.uid}:${to.gid}`;
    if (aspect === "type") return `type ${from.type} -> ${to.type}`;
    if (aspect === "link target") return `link target ${from.target} -> ${to.target}`;
    return aspect;
  });
  return `  (${words.join(", ")})`;
}
