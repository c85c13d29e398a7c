import { closeSync, linkSync, openSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "../errors/index.ts";
import { digestOf } from "../image/digest.ts";
import { MAX_JSON_BYTES } from "../image/parse-json.ts";
import { type GrowingFile, GrowingFileWriter, makeGrowingFile } from "../kernels/growing-file.ts";
import type { ArchiveLimits } from "../kernels/archive-limits.ts";
import { TarScanner } from "../kernels/tar-scan.ts";
import { writeAll } from "../kernels/write-all.ts";
import type { ArchiveContents, ArchiveFile } from "./contents.ts";
import { sparseMember } from "./file-archive.ts";
import { MemberTable } from "./member-names.ts";
import { type TarMember, tarMembers } from "./tar-records.ts";

/** Smaller members are kept in memory, up to a sum: metadata, and layers that are hardly more. */
const SMALL_BYTES = 64 * 1024;
const MEMORY_BYTES = 16 * 1024 * 1024;
/** The sum of the documents that are kept of an archive that is only looked at. */
const DOCUMENTS_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = 512;
const BLOB_NAME = /^(?:\.\/)?blobs\/sha256\/([0-9a-f]{64})$/;

export interface SpoolOptions {
  /** A directory of the caller's, where members are written, each to a file of its own. */
  scratch: string;
  label: string;
  limits?: ArchiveLimits;
  /** The path of a blob that the store has, which then need not be written again. */
  storedBlob: (digest: ReturnType<typeof digestOf>) => string | undefined;
  /**
   * Keeps what may be a JSON document, in memory, and of everything else name and size only: for looking at an archive.
   * Nothing is written then, and neither of the callbacks is called.
   */
  documentsOnly?: boolean;
  /** Called when a member too large for memory begins to be written, so that work on it can begin as well. */
  onSpooling: (file: ArchiveFile, growing: GrowingFile) => void;
}

/**
 * Takes an archive from a stream in one forward pass, the order of its members being unknown: each goes straight to a
 * file in scratch which, if it is a layer, becomes the store's. Push the uncompressed archive in chunks of any size.
 * Errors are those of scanFileArchive, and NO_SPACE.
 */
export class ArchiveSpooler {
  readonly #options: SpoolOptions;
  readonly #scanner: TarScanner;
  readonly #table: MemberTable;
  #block = new Uint8Array(BLOCK_BYTES);
  #blockBytes = 0;
  #open: OpenMember | undefined;
  #inMemory = 0;
  #count = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#scanner = new TarScanner(options.limits, { entriesLimit: "members" });
    this.#table = new MemberTable(options.label);
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const skip = Math.min(this.#scanner.skippableBytes, chunk.length - at);
      if (skip > 0) {
        this.#takeData(chunk.subarray(at, at + skip));
        this.#scanner.skipData(skip);
        at += skip;
        continue;
      }
      // Whole blocks: the scanner then stops at the end of an entry's headers, where its data begin.
      const bytes = Math.min(BLOCK_BYTES - this.#blockBytes, chunk.length - at);
      this.#block.set(chunk.subarray(at, at + bytes), this.#blockBytes);
      this.#blockBytes += bytes;
      at += bytes;
      if (this.#blockBytes < BLOCK_BYTES) continue;
      this.#blockBytes = 0;
      this.#scanner.push(this.#block);
      for (const member of tarMembers(this.#scanner.takeRecords())) this.#begin(member);
    }
  }

  /** Ends the archive. */
  finish(): ArchiveContents {
    this.#scanner.push(this.#block.subarray(0, this.#blockBytes));
    this.#scanner.finish();
    return this.#table;
  }

  /** Closes what is open, when something went wrong. */
  abandon(): void {
    this.#open?.close();
    this.#open = undefined;
  }

  #begin(member: TarMember): void {
    if (member.kind === "symlink") this.#table.addSymlink(member.name, member.linkTo);
    if (member.kind === "hardlink") this.#table.addHardlink(member.name, member.linkTo);
    if (member.kind !== "file") return;
    if (member.sparse) throw sparseMember(this.#options.label, member.name);
    this.#open = this.#openMember(member);
    if (member.size === 0) this.#close();
  }

  #openMember(member: TarMember): OpenMember {
    const { name, size } = member;
    if (this.#options.documentsOnly === true) return this.#openDocument(name, size);
    if (size <= SMALL_BYTES && this.#inMemory + size <= MEMORY_BYTES) {
      this.#inMemory += size;
      return inMemory(name, size);
    }
    const path = join(this.#options.scratch, `member-${this.#count++}`);
    const hex = BLOB_NAME.exec(name)?.[1];
    const stored = hex === undefined ? undefined : this.#options.storedBlob(digestOf(hex));
    if (stored !== undefined && held(stored, path, size))
      return passedOver({ name, size, location: { path, offset: 0 } });
    const growing = makeGrowingFile();
    const open = inFile(path, name, size, this.#options.label, growing);
    this.#options.onSpooling(open.file, growing);
    return open;
  }

  #openDocument(name: string, size: number): OpenMember {
    if (size > MAX_JSON_BYTES || this.#inMemory + size > DOCUMENTS_BYTES) return passedOver(unread(name, size));
    this.#inMemory += size;
    const member = inMemory(name, size);
    member.close = () => {
      if (looksLikeJson(member.file)) return;
      this.#inMemory -= size;
      member.file.location = { bytes: new Uint8Array(0) };
    };
    return member;
  }

  /** Data and padding of the open member. */
  #takeData(bytes: Uint8Array): void {
    const open = this.#open;
    if (open === undefined) return; // padding, or the data of something that is no file
    const data = bytes.subarray(0, open.file.size - open.doneBytes);
    open.write(data);
    open.doneBytes += data.length;
    if (open.doneBytes === open.file.size) this.#close();
  }

  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    open.close();
    this.#table.addFile(open.file);
  }
}

interface OpenMember {
  file: ArchiveFile;
  doneBytes: number;
  write(bytes: Uint8Array): void;
  close(): void;
}

function inMemory(name: string, size: number): OpenMember {
  const bytes = new Uint8Array(size);
  const member: OpenMember = {
    file: { name, size, location: { bytes } },
    doneBytes: 0,
    write: (data) => {
      bytes.set(data, member.doneBytes);
    },
    close: () => undefined,
  };
  return member;
}

function unread(name: string, size: number): ArchiveFile {
  return { name, size, location: { bytes: new Uint8Array(0) } };
}

function looksLikeJson({ location }: ArchiveFile): boolean {
  if (!("bytes" in location)) return false;
  const first = location.bytes.find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d));
  return first === 0x7b || first === 0x5b;
}

function inFile(path: string, name: string, size: number, label: string, growing: GrowingFile): OpenMember {
  const fd = openSync(path, "wx", 0o600);
  const position = new GrowingFileWriter(growing);
  return {
    file: { name, size, location: { path, offset: 0 } },
    doneBytes: 0,
    write: (bytes) => {
      try {
        writeAll(fd, bytes);
        position.advance(bytes.length);
      } catch (error) {
        throw fileError(error, label);
      }
    },
    close: () => {
      position.end();
      closeSync(fd);
    },
  };
}

function passedOver(file: ArchiveFile): OpenMember {
  return { file, doneBytes: 0, write: () => undefined, close: () => undefined };
}

/** Holds a blob of the store by a link of its own; false if it has just been removed, or cannot be the same. */
function held(stored: string, path: string, size: number): boolean {
  try {
    linkSync(stored, path);
  } catch {
    return false;
  }
  if (statSync(path).size === size) return true;
  unlinkSync(path);
  return false;
}
