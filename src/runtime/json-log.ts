import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** One line of a container's log: Docker's json-file format. */
export interface LogEntry {
  /** With its newline, if it had one: a long or unfinished line is logged in pieces. */
  log: string;
  stream: "stdout" | "stderr";
  /** RFC 3339, nanoseconds. */
  time: string;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a json-file log as it grows. Nothing is read twice, and a line that is still being written is left for the next
 * call.
 */
export class LogReader {
  readonly #fd: number;
  #offset: number;
  #partial = "";
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);

  /** @throws the system's error if the file cannot be opened */
  constructor(path: string) {
    this.#fd = openSync(path, "r");
    this.#offset = 0;
  }

  /** Skips to where the last `lines` lines begin; a line is what the container wrote up to a newline. */
  seekTail(lines: number): void {
    this.#offset = tailOffset(this.#fd, lines);
  }

  /** The complete entries from here to the present end of the file. Lines that are not log entries are skipped. */
  *read(): Generator<LogEntry> {
    for (;;) {
      const bytes = readSync(this.#fd, this.#chunk, 0, CHUNK_BYTES, this.#offset);
      if (bytes === 0) return;
      this.#offset += bytes;
      // Latin-1 keeps bytes apart until lines are whole: a chunk may end inside a character.
      const lines = (this.#partial + this.#chunk.toString("latin1", 0, bytes)).split("\n");
      this.#partial = lines.pop() ?? "";
      for (const line of lines) {
        const entry = parseEntry(line);
        if (entry !== undefined) yield entry;
      }
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function parseEntry(latin1Line: string): LogEntry | undefined {
  try {
    const entry = JSON.parse(Buffer.from(latin1Line, "latin1").toString("utf8")) as Partial<LogEntry>;
    if (typeof entry.log !== "string" || typeof entry.time !== "string") return undefined;
    return { log: entry.log, stream: entry.stream === "stderr" ? "stderr" : "stdout", time: entry.time };
  } catch {
    return undefined;
  }
}

/** Where the last `lines` lines of the file begin, looking backwards chunk by chunk. */
function tailOffset(fd: number, lines: number): number {
  const end = fstatSync(fd).size;
  if (lines <= 0) return end;
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let seen = 0;
  for (let upTo = end; upTo > 0;) {
    const from = Math.max(0, upTo - CHUNK_BYTES);
    const bytes = readSync(fd, chunk, 0, upTo - from, from);
    for (let at = bytes - 1; at >= 0; at--) {
      // The newline that ends the last line does not begin another.
      if (chunk[at] !== 0x0a || from + at === end - 1) continue;
      if (++seen === lines) return from + at + 1;
    }
    upTo = from;
  }
  return 0;
}
