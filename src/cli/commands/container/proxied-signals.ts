import { constants } from "node:os";

/**
 * Passed on to the container: every signal that a program may want and that node lets one catch. Not SIGCHLD and SIGPIPE,
 * which concern this process, not SIGWINCH, which is told as a size.
 */
const PROXIED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2", "SIGCONT", "SIGALRM"] as const;

/** Calls `send` with the number of every signal that this process gets, until the returned function is called. */
export function proxySignals(send: (signal: number) => void): () => void {
  const listeners = PROXIED.map((name) => {
    const listener = (): void => send(constants.signals[name]);
    process.on(name, listener);
    return { name, listener };
  });
  return () => {
    for (const { name, listener } of listeners) process.off(name, listener);
  };
}
