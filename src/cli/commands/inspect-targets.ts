import { inspectionRenderer } from "../format/inspected.ts";
import { forEachTarget } from "../framework/for-each-target.ts";
import type { CommandContext } from "../framework/context.ts";

/**
 * The common part of every `inspect`: looks each target up, prints all that were found in one go, then tells what was not.
 * @param inspect returns the object in Docker's fields, or throws what is to be told
 * @returns the exit status: 1 if any target was not found
 */
export async function inspectTargets(
  context: CommandContext,
  targets: readonly string[],
  format: string,
  inspect: (target: string) => object | Promise<object>,
): Promise<number> {
  const render = await inspectionRenderer(format);
  const found: object[] = [];
  const problems: string[] = [];
  const look = async (target: string): Promise<void> => void found.push(await inspect(target));
  const status = await forEachTarget(context, targets, look, (text) => void problems.push(text));
  // Docker prints what it found, be it nothing, before its complaints.
  context.stdout.write(render(found));
  for (const problem of problems) context.stderr.write(problem);
  return status;
}
