import type { ProgressEvent } from "../../events/progress.ts";

/** Shows the events of one operation. Called for every event: it limits its own rate. */
export interface Renderer {
  event(event: ProgressEvent): void;
  /** The operation is over, well or not; nothing may be written afterwards. */
  close(): void;
}
