import { connectToContainer } from "../../../engine/container-connection.ts";
import type { ContainerPaths } from "../../../runtime/container-paths.ts";
import type { ContainerExit, ShimConnection } from "../../../runtime/shim-connection.ts";
import type { CommandContext } from "../../framework/context.ts";
import { writeDescriptor } from "../../framework/write-descriptor.ts";
import { proxySignals } from "./proxied-signals.ts";
import type { SessionOptions } from "./session-options.ts";

/** How a session ended: with the container, by the user's detaching, or because the shim was killed. */
export type SessionEnd = { exit: ContainerExit } | { detached: true } | { lost: true };

/**
 * Joins this process's standard streams with a container's until one ends. All output has been written when it returns.
 * Closes the connection, and gives the terminal back as it was, however it ends.
 */
export async function attachedSession(
  context: CommandContext,
  paths: ContainerPaths,
  connection: ShimConnection,
  options: SessionOptions,
): Promise<SessionEnd> {
  const sendSignal = (signal: number): void => {
    // Input that the container does not read must not hold signals up: they have a connection of their own.
    if (options.stdin) void signalApart(paths, signal);
    else void connection.control({ signal });
  };
  const stopProxying = options.proxySignals && !options.tty ? proxySignals(sendSignal) : undefined;
  const input =
    options.stdin || options.tty
      ? await (await import("./attached-input.ts")).joinInput(context, paths, connection, options)
      : undefined;
  try {
    const exit = await connection.follow((stream, bytes) => {
      if (stream === "stderr") {
        if (options.stderr) writeDescriptor(context.stderr.fd, bytes);
      } else if (options.stdout) writeDescriptor(context.stdout.fd, bytes);
    });
    if (exit !== undefined) return { exit };
    return input?.detached() === true ? { detached: true } : { lost: true };
  } finally {
    input?.leave();
    stopProxying?.();
    connection.close();
  }
}

async function signalApart(paths: ContainerPaths, signal: number): Promise<void> {
  const control = await connectToContainer(paths);
  await control?.control({ wait: true });
  await control?.control({ signal });
  control?.close();
}
