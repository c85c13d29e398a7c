import type { TextOutput } from "./context.ts";
import { isTerminal } from "./is-terminal.ts";
import { writeDescriptor } from "./write-descriptor.ts";

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
    writeDescriptor(this.fd, Buffer.from(text));
  }
}
