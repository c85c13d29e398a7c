import type { RequestWriter } from "./message.ts";
import type { AsyncCallOptions } from "./native.ts";
import { call, callAsync, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/** A stretch of an open file to be copied to another. */
export interface CopyRange {
  fdIn: number;
  /** Bytes from the start of the file; the descriptor's own position is neither used nor moved. */
  offsetIn: number;
  fdOut: number;
  /** null: at the descriptor's own position, which moves; the only choice for pipes, sockets and terminals. */
  offsetOut: number | null;
  /** Bytes. */
  length: number;
}

function copyRequest(range: CopyRange): RequestWriter {
  return request()
    .fd("fdIn", range.fdIn)
    .u64("offsetIn", range.offsetIn)
    .fd("fdOut", range.fdOut)
    .bool("positioned", range.offsetOut !== null)
    .u64("offsetOut", range.offsetOut ?? 0)
    .u64("length", range.length);
}

/**
 * Copies bytes inside the kernel: copy_file_range between files (shares blocks where the file system can), splice into
 * pipes, sendfile into sockets, read and write where none of these will do. Blocks until everything is written, also to
 * a slow reader. Returns the bytes copied: fewer than `length` only where the source ends.
 * @throws SYSTEM_CALL_FAILED (EPIPE when the reader has gone), NO_SPACE
 */
export function copyFileRange(range: CopyRange): number {
  return call(OPERATION.copyFileRange, copyRequest(range)).result;
}

/**
 * {@link copyFileRange} on another thread. Progress counts bytes. A cancel is noticed between chunks of 8 MiB, and not
 * while a pipe's reader does not read.
 */
export async function copyFileRangeAsync(
  range: CopyRange,
  options: Pick<AsyncCallOptions, "signal" | "onProgress"> = {},
): Promise<number> {
  return (await callAsync(OPERATION.copyFileRange, copyRequest(range), options)).result;
}
