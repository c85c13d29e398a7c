/**
 * The frames on a connection to a container's shim, both ways: u8 stream, three zero bytes, u32 big-endian length of the
 * payload, payload. The shim's twin of this file is native/shim. Docker's API multiplexes output the same way.
 */
const FRAME_HEADER_BYTES = 8;

/** To the shim; an empty payload closes the container's standard input. */
export const STREAM_STDIN = 0;
export const STREAM_STDOUT = 1;
export const STREAM_STDERR = 2;
/** JSON, one message a frame. */
export const STREAM_CONTROL = 3;

/** What a client may tell the shim. `wait`: send the exit only, no output. */
export type ClientControl = { resize: { width: number; height: number } } | { signal: number } | { wait: true };

/** What the shim tells: how the container's process ended. */
export interface ShimControl {
  exit?: { code: number; oomKilled: boolean };
}

export function encodeFrame(stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, stream, payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

export function encodeControl(message: ClientControl): Buffer {
  return encodeFrame(STREAM_CONTROL, Buffer.from(JSON.stringify(message)));
}

function writeFrameHeader(frame: Buffer, stream: number, length: number): void {
  frame.writeUInt32BE(stream * 0x1000000, 0);
  frame.writeUInt32BE(length, 4);
}

export interface FrameHandlers {
  /** A piece of output; a view that is valid during the call only. Frames may arrive in several pieces. */
  output(stream: typeof STREAM_STDOUT | typeof STREAM_STDERR, bytes: Uint8Array): void;
  control(message: ShimControl): void;
}

/**
 * Takes the frames apart that come in arbitrary pieces. Output is handed on at once, piece by piece, without collecting
 * frames; control messages are collected.
 */
export class FrameDecoder {
  readonly #handlers: FrameHandlers;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  #stream = 0;
  #remaining = 0;
  #control: Buffer[] = [];

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerBytes < FRAME_HEADER_BYTES) {
        const take = Math.min(FRAME_HEADER_BYTES - this.#headerBytes, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + take), this.#headerBytes);
        this.#headerBytes += take;
        at += take;
        if (this.#headerBytes < FRAME_HEADER_BYTES) return;
        this.#stream = this.#header.readUInt8(0);
        this.#remaining = this.#header.readUInt32BE(4);
      }
      const take = Math.min(this.#remaining, chunk.length - at);
      if (take > 0) this.#payload(chunk.subarray(at, at + take));
      at += take;
      this.#remaining -= take;
      if (this.#remaining === 0) this.#endFrame();
    }
  }

  #payload(bytes: Uint8Array): void {
    if (this.#stream === STREAM_CONTROL) this.#control.push(Buffer.from(bytes));
    else if (this.#stream === STREAM_STDOUT || this.#stream === STREAM_STDERR)
      this.#handlers.output(this.#stream, bytes);
  }

  #endFrame(): void {
    this.#headerBytes = 0;
    if (this.#stream !== STREAM_CONTROL) return;
    const text = Buffer.concat(this.#control).toString();
    this.#control = [];
    this.#handlers.control(JSON.parse(text) as ShimControl);
  }
}
