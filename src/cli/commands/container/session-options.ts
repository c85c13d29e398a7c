/** How this process is joined with a container. */
export interface SessionOptions {
  tty: boolean;
  /** Which streams of this process to join with the container's. */
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Pass signals on; without it they end this process and the container goes on. Never with a terminal. */
  proxySignals: boolean;
  detachKeys: string;
}
