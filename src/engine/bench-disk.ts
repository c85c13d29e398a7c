import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { requireSpace } from "../store/free-space.ts";
import type { Store } from "../store/store.ts";

/** What the store's disk costs. */
export interface DiskSpeed {
  /** Bytes a second, until they are durable. */
  writtenPerSecond: number;
  /** The same bytes read again, from memory as a rule: the kernel has just seen them. */
  readPerSecond: number;
  /** A small file made durable; every record costs one or more of these. Median. */
  fsyncMs: number;
}

const BYTES = 96 << 20;
const PIECE = 1 << 20;
const SMALL_WRITES = 15;

/** Writes to a scratch directory of the store, and removes it. @throws NO_SPACE, SYSTEM_CALL_FAILED */
export async function benchDisk(store: Store): Promise<DiskSpeed> {
  requireSpace(store.layout.root, BYTES, "measuring the disk");
  const scratch = await store.scratch();
  try {
    const path = join(scratch.path, "written");
    const piece = new Uint8Array(PIECE).map((_, at) => (at * 31 + (at >> 8)) & 0xff);
    const fd = openSync(path, "wx+", 0o600);
    try {
      const written = seconds(() => {
        for (let done = 0; done < BYTES; done += PIECE) writeSync(fd, piece, 0, PIECE, done);
        fsyncSync(fd);
      });
      const read = seconds(() => {
        for (let at = 0; at < BYTES; at += PIECE) readSync(fd, piece, 0, PIECE, at);
      });
      const small = Array.from({ length: SMALL_WRITES }, (_, n) => seconds(() => writeDurably(`${path}-${n}`)));
      return {
        writtenPerSecond: BYTES / written,
        readPerSecond: BYTES / read,
        fsyncMs: (small.sort((a, b) => a - b)[SMALL_WRITES >> 1] as number) * 1000,
      };
    } finally {
      closeSync(fd);
    }
  } finally {
    await scratch.dispose();
  }
}

function writeDurably(path: string): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    writeSync(fd, "{}\n");
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
