import {
  type ClientControl,
  encodeControl,
  encodeFrame,
  FrameDecoder,
  type ShimControl,
  STREAM_STDERR,
  STREAM_STDIN,
} from "./attach-protocol.ts";
import type { ShimTransport } from "./shim-transport.ts";

/** How a container's process ended. */
export interface ContainerExit {
  code: number;
  oomKilled: boolean;
}

/** Where output goes; the bytes are valid during the call only. What is thrown ends the connection. */
export type OutputSink = (stream: "stdout" | "stderr", bytes: Uint8Array) => void;

/** A client's side of the attach protocol. */
export class ShimConnection {
  readonly #transport: ShimTransport;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(transport: ShimTransport) {
    this.#transport = transport;
  }

  /**
   * Reads until the shim says how the container ended, or hangs up.
   * @returns the exit; undefined if the connection ended without one: it was closed here, or the shim was killed
   */
  async follow(sink: OutputSink): Promise<ContainerExit | undefined> {
    let exit: ContainerExit | undefined;
    const decoder = new FrameDecoder({
      output: (stream, bytes) => sink(stream === STREAM_STDERR ? "stderr" : "stdout", bytes),
      control: (message: ShimControl) => {
        if (message.exit !== undefined) exit = message.exit;
      },
    });
    await this.#transport.receive((bytes) => {
      decoder.push(bytes);
      return exit === undefined;
    });
    return exit;
  }

  /** Sends input; resolves when there is room for more, to false if the shim has gone. */
  sendInput(bytes: Uint8Array): Promise<boolean> {
    return this.#send(encodeFrame(STREAM_STDIN, bytes));
  }

  /** Tells that no more input comes. */
  endInput(): Promise<boolean> {
    return this.#send(encodeFrame(STREAM_STDIN, new Uint8Array(0)));
  }

  control(message: ClientControl): Promise<boolean> {
    return this.#send(encodeControl(message));
  }

  /** Hangs up; the container goes on. */
  close(): void {
    this.#transport.close();
  }

  /** Frames go out whole and in order. */
  #send(frame: Buffer): Promise<boolean> {
    const sent = this.#sending.then(() => this.#transport.send(frame));
    this.#sending = sent.catch(() => undefined);
    return sent;
  }
}
