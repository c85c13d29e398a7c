import { exitStatusOf } from "../../errors/index.ts";
import type { CommandContext } from "./context.ts";
import { errorText, isBrokenPipe } from "./report-error.ts";

/**
 * Does `work` for each target, in order; a failure is told and the next target tried, as Docker does for `rmi a b`.
 * Cancelling ends it.
 * @returns the exit status: 0 if all went well, else 1
 */
export async function forEachTarget(
  context: CommandContext,
  targets: readonly string[],
  work: (target: string) => Promise<void> | void,
  tell: (text: string) => void = (text) => context.stderr.write(text),
): Promise<number> {
  let status = 0;
  for (const target of targets) {
    try {
      await work(target);
    } catch (error) {
      if (isBrokenPipe(error) || context.signal.aborted) throw error;
      tell(errorText(error, context.debug));
      status = exitStatusOf("invalid");
    }
  }
  return status;
}
