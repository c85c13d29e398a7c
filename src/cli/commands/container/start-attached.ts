import { attachContainer } from "../../../engine/attach-container.ts";
import type { Store } from "../../../store/store.ts";
import type { CommandContext } from "../../framework/context.ts";
import { attachedSession } from "./attached-session.ts";

/**
 * Starts a container, or joins one that runs, and stays attached until it ends.
 * @returns the container's exit code; 0 if the user detached
 */
export async function startAttached(
  context: CommandContext,
  store: Store,
  given: string,
  options: { stdin: boolean; detachKeys: string },
): Promise<number> {
  const attached = await attachContainer(store, given, { start: true, interactive: true });
  const { config } = attached.record;
  const session = attachedSession(context, attached.paths, attached.connection, {
    stdin: options.stdin && config.OpenStdin,
    stdout: true,
    stderr: true,
    tty: config.Tty,
    proxySignals: true,
    detachKeys: options.detachKeys,
  });
  const [, end] = await Promise.all([attached.ready, session]);
  if ("exit" in end) return end.exit.code;
  return "detached" in end ? 0 : attached.lostExitCode();
}
