import { setImmediate as turn } from "node:timers/promises";
import { GantryError } from "../errors/index.ts";
import { type DataSegment, MAX_READ_BYTES, type TreeReader } from "./tree-reader.ts";

/** Between two chances to be cancelled; bytes. */
const TURN_BYTES = 16 * 1024 * 1024;

/** A regular file and who reads it. */
export interface FileContent {
  reader: TreeReader;
  inode: number;
}

/**
 * Whether two regular files of `size` bytes hold the same bytes, a hole being zeros. Ends at the first difference; what is
 * a hole in both is not looked at, however large. The readers must be two.
 * @throws CANCELLED, what TreeReader.read throws
 */
export async function sameContent(
  a: FileContent,
  b: FileContent,
  size: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const left = new Stretches(a.reader.segments(a.inode), size);
  const right = new Stretches(b.reader.segments(b.inode), size);
  let turnAt = TURN_BYTES;
  for (let at = 0; at < size;) {
    const inA = left.at(at);
    const inB = right.at(at);
    const end = Math.min(inA.end, inB.end, size);
    if (inA.segment === undefined && inB.segment === undefined) {
      at = end;
      continue;
    }
    const bytes = Math.min(end - at, MAX_READ_BYTES);
    const dataA = read(a, inA.segment, at, bytes);
    const dataB = read(b, inB.segment, at, bytes);
    if (!sameBytes(dataA, dataB)) return false;
    at += bytes;
    if (at < turnAt) continue;
    turnAt = at + TURN_BYTES;
    await turn();
    if (signal?.aborted === true) throw new GantryError("CANCELLED", "cancelled");
  }
  return true;
}

function read({ reader, inode }: FileContent, segment: DataSegment | undefined, at: number, bytes: number) {
  return segment === undefined ? undefined : reader.read(inode, segment.at + at - segment.fileOffset, bytes);
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a !== undefined && b !== undefined) return Buffer.compare(a, b) === 0;
  return (a ?? b ?? new Uint8Array(0)).every((byte) => byte === 0);
}

/** Says of ascending offsets whether they are data, and up to where. */
class Stretches {
  readonly #segments: readonly DataSegment[];
  readonly #size: number;
  #next = 0;

  constructor(segments: readonly DataSegment[], size: number) {
    this.#segments = segments;
    this.#size = size;
  }

  at(offset: number): { segment: DataSegment | undefined; end: number } {
    let segment = this.#segments[this.#next];
    while (segment !== undefined && segment.fileOffset + segment.bytes <= offset)
      segment = this.#segments[++this.#next];
    if (segment === undefined) return { segment: undefined, end: this.#size };
    if (segment.fileOffset > offset) return { segment: undefined, end: segment.fileOffset };
    return { segment, end: segment.fileOffset + segment.bytes };
  }
}
