import { writeSync } from "node:fs";
import { BrokenPipe, type TextOutput } from "./context.ts";
import { isTerminal } from "./is-terminal.ts";

/**
 * Standard output or error without node's stream machinery: writes are complete when they return, whatever happens next,
 * and starting costs nothing.
 */
export class DescriptorOutput implements TextOutput {
  #isTerminal: boolean | undefined;

  constructor(readonly fd: number) {}

  get isTerminal(): boolean {
    return (this.#isTerminal ??= isTerminal(this.fd));
  }

  get columns(): number {
    if (!this.isTerminal) return 80;
    const stream = this.fd === 2 ? process.stderr : process.stdout;
    return stream.columns > 0 ? stream.columns : 80;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(this.fd, bytes, done);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === "EPIPE") throw new BrokenPipe();
        // Somebody made the pipe or terminal that we share non-blocking: wait for its reader.
        if (code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      }
    }
  }
}
