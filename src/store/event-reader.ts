import { closeSync, openSync, readSync } from "node:fs";
import { eventFiles } from "./event-log.ts";
import type { StoreLayout } from "./layout.ts";

/** An event as its line has it. */
export interface RecordedEvent {
  /** Docker's JSON, as it was written: the digits of `timeNano` are all there. */
  readonly line: string;
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly scope: string;
  readonly timeNano: bigint;
}

const CHUNK_BYTES = 64 * 1024;

/** Reads the event log from its beginning, or from its end, and on from where it was each time it is asked. */
export class EventReader {
  readonly #layout: StoreLayout;
  #path: string | undefined;
  #offset = 0;
  /** The beginning of a line whose end is not written yet. */
  #rest = Buffer.alloc(0);

  /** @param fromEnd only what is written from now on */
  constructor(layout: StoreLayout, fromEnd: boolean) {
    this.#layout = layout;
    if (!fromEnd) return;
    this.#path = eventFiles(layout).at(-1);
    for (const _ of this.#lines()); // to its end
  }

  /** What has been written since the last call, oldest first. A line that is no event is left out. */
  *read(): Generator<RecordedEvent> {
    for (;;) {
      // A next file is looked for before the rest of this one is read: nobody begins one while this is not full.
      const files = eventFiles(this.#layout);
      const next = this.#path === undefined ? files[0] : files.find((file) => file > this.#path!);
      for (const line of this.#lines()) {
        const event = parseEvent(line);
        if (event !== undefined) yield event;
      }
      if (next === undefined) return;
      this.#path = next;
      this.#offset = 0;
      this.#rest = Buffer.alloc(0);
    }
  }

  *#lines(): Generator<string> {
    if (this.#path === undefined) return;
    let fd: number;
    try {
      fd = openSync(this.#path, "r");
    } catch {
      return; // the oldest files go
    }
    try {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      for (let length; (length = readSync(fd, chunk, 0, chunk.length, this.#offset)) > 0;) {
        this.#offset += length;
        const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
        const end = bytes.lastIndexOf(0x0a) + 1;
        this.#rest = Buffer.from(bytes.subarray(end));
        if (end > 0) yield* bytes.toString("utf8", 0, end - 1).split("\n");
      }
    } finally {
      closeSync(fd);
    }
  }
}

function parseEvent(line: string): RecordedEvent | undefined {
  const digits = /"timeNano":(\d+)\}$/.exec(line)?.[1];
  if (digits === undefined) return undefined;
  try {
    const { Type, Action, Actor, scope } = JSON.parse(line) as {
      Type: string;
      Action: string;
      Actor: { ID: string; Attributes: Record<string, string> };
      scope: string;
    };
    const { ID: id, Attributes: attributes } = Actor;
    return { line, type: Type, action: Action, id, attributes, scope, timeNano: BigInt(digits) };
  } catch {
    return undefined;
  }
}
