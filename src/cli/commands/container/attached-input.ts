import { ReadStream } from "node:tty";
import { connectToContainer } from "../../../engine/container-connection.ts";
import type { ContainerPaths } from "../../../runtime/container-paths.ts";
import type { ShimConnection } from "../../../runtime/shim-connection.ts";
import type { CommandContext } from "../../framework/context.ts";
import { DetachFilter, parseDetachKeys } from "./detach-keys.ts";
import type { SessionOptions } from "./session-options.ts";
import { terminalSize } from "./terminal-size.ts";

/** Standard input joined to a container. */
export interface JoinedInput {
  /** Whether the user has typed the detach keys. */
  detached(): boolean;
  /** Stops reading and gives the terminal back. Idempotent. */
  leave(): void;
}

/**
 * Sends what comes on standard input to the container, and its end; with a terminal, in raw mode, looking for the detach
 * keys, and telling the container its size now and whenever it changes.
 * @throws USAGE for detach keys that cannot be read
 */
export async function joinInput(
  context: CommandContext,
  paths: ContainerPaths,
  connection: ShimConnection,
  options: SessionOptions,
): Promise<JoinedInput> {
  const filter = new DetachFilter(parseDetachKeys(options.detachKeys));
  const { stdin } = process;
  const raw = options.tty && options.stdin && context.stdin.isTerminal && stdin instanceof ReadStream;
  let detached = false;
  let left = false;

  const onData = (chunk: Buffer): void => {
    const { pass, detach } = options.tty ? filter.push(chunk) : { pass: chunk, detach: false };
    stdin.pause(); // until the shim has room: input is not piled up here
    void (pass.length === 0 ? Promise.resolve(true) : connection.sendInput(pass)).then((sent) => {
      if (detach) {
        detached = true;
        connection.close();
      } else if (sent && !left) stdin.resume();
    });
  };
  const onEnd = (): void => void connection.endInput();
  const stopResizing = options.tty ? await followTerminalSize(paths) : undefined;
  if (options.stdin) {
    if (raw) stdin.setRawMode(true);
    stdin.on("data", onData).on("end", onEnd).on("error", onEnd);
  }
  return {
    detached: () => detached,
    leave: () => {
      if (left) return;
      left = true;
      stopResizing?.();
      if (!options.stdin) return;
      stdin.off("data", onData).off("end", onEnd).off("error", onEnd);
      if (raw) stdin.setRawMode(false);
      stdin.pause();
      stdin.unref();
      // A pipe that is still being read would keep node from ending.
      if (!stdin.destroyed) stdin.destroy();
    },
  };
}

/** Tells the shim the terminal's size over a connection of its own, now and at every change. */
async function followTerminalSize(paths: ContainerPaths): Promise<(() => void) | undefined> {
  if (terminalSize() === undefined) return undefined;
  const control = await connectToContainer(paths);
  if (control === undefined) return undefined;
  await control.control({ wait: true });
  const tell = (): void => {
    const size = terminalSize();
    if (size !== undefined) void control.control({ resize: size });
  };
  tell();
  process.stdout.on("resize", tell);
  return () => {
    process.stdout.off("resize", tell);
    control.close();
  };
}
