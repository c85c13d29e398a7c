/**
 * What a long operation says while it runs. The engine emits; only src/cli/progress renders. Emitting is cheap and may
 * happen per chunk: renderers, not emitters, limit the rate.
 */
export type ProgressEvent =
  | { kind: "start"; task: string; label: string; totalBytes?: number }
  | { kind: "advance"; task: string; doneBytes: number; totalBytes?: number }
  | { kind: "done"; task: string; note?: string }
  | { kind: "message"; level: "info" | "warning"; text: string };

/** Passed down every long operation: where its events go, and the signal that cancels it. */
export interface Reporter {
  emit(event: ProgressEvent): void;
  readonly signal: AbortSignal;
}

export const SILENT_REPORTER: Reporter = {
  emit: () => undefined,
  signal: new AbortController().signal,
};
