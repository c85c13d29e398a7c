import { Socket } from "node:net";
import { hungUp, type ShimTransport } from "./shim-transport.ts";

/** Over node:net, for connections that this side may end. Takes over a connected unix socket's descriptor. */
export class SocketTransport implements ShimTransport {
  readonly #socket: Socket;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: false });
    this.#socket.on("error", () => undefined); // every error is told to the receive or send that it befalls
    this.#socket.pause();
  }

  receive(take: (bytes: Uint8Array) => boolean): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        socket.off("data", onData).off("close", onClose).off("error", onError);
        socket.pause();
        if (error === undefined) resolve();
        else reject(error);
      };
      const onData = (bytes: Buffer): void => {
        try {
          if (!take(bytes)) end();
        } catch (error) {
          end(error as Error);
        }
      };
      const onClose = (): void => end();
      const onError = (error: NodeJS.ErrnoException): void => {
        if (!hungUp(error)) end(error);
      };
      if (socket.destroyed) {
        resolve();
        return;
      }
      socket.on("data", onData).on("close", onClose).on("error", onError);
      socket.resume();
    });
  }

  send(bytes: Uint8Array): Promise<boolean> {
    if (this.#socket.destroyed || !this.#socket.writable) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#socket.write(bytes, (error) => resolve(error === undefined || error === null));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
