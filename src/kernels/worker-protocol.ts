import { type ErrorCode, GantryError } from "../errors/index.ts";
import type { BlockCompression, CompressedBlock } from "./compress-block.ts";
import type { LayerHashes, LayerHashing } from "./hash-file.ts";
import type { LayerFacts, LayerIngest } from "./ingest-layer.ts";

/** What worker threads can do: each task's argument and result, which are sent as structured clones. */
export interface WorkerTasks {
  ingestLayer: { argument: LayerIngest; result: LayerFacts };
  hashLayer: { argument: LayerHashing; result: LayerHashes };
  compressBlock: { argument: BlockCompression; result: CompressedBlock };
}

export type TaskName = keyof WorkerTasks;

export type TaskRequest = {
  [Name in TaskName]: { id: number; task: Name; argument: WorkerTasks[Name]["argument"] };
}[TaskName];

export type TaskReply = { id: number; result: unknown } | { id: number; error: ThrownError };

/** An error on its way between threads. */
export type ThrownError =
  | { code: ErrorCode; message: string; remedy: string | undefined; details: Record<string, unknown> }
  | { code: undefined; message: string; stack: string | undefined };

export function packError(error: unknown): ThrownError {
  if (error instanceof GantryError) {
    return { code: error.code, message: error.message, remedy: error.remedy, details: { ...error.details } };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { code: undefined, message, stack };
}

export function unpackError(thrown: ThrownError): Error {
  if (thrown.code !== undefined) {
    const { code, message, remedy, details } = thrown;
    return new GantryError(code, message, { details, ...(remedy === undefined ? {} : { remedy }) });
  }
  const cause = new Error(thrown.message);
  if (thrown.stack !== undefined) cause.stack = thrown.stack;
  return new GantryError("INTERNAL", `a worker thread failed: ${thrown.message}`, { cause });
}
