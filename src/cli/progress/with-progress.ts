import type { Reporter } from "../../events/progress.ts";
import type { CommandContext } from "../framework/context.ts";
import type { ProgressMode } from "./progress-flag.ts";
import type { Renderer } from "./renderer.ts";

/**
 * Runs a long operation with a reporter that shows its progress on standard error in the wanted way and carries the
 * command's abort signal; the display is closed before this returns or throws.
 */
export async function withProgress<T>(
  context: CommandContext,
  mode: ProgressMode,
  operation: (reporter: Reporter) => Promise<T>,
): Promise<T> {
  const renderer = await rendererFor(context, mode);
  try {
    return await operation({ emit: (event) => renderer.event(event), signal: context.signal });
  } finally {
    renderer.close();
    // A signal that has come already is still seen.
    await new Promise((resolve) => setImmediate(resolve));
    context.operationEnds?.();
  }
}

async function rendererFor(context: CommandContext, mode: ProgressMode): Promise<Renderer> {
  const { stderr, environment } = context;
  const live = stderr.isTerminal && environment["TERM"] !== "dumb";
  const chosen = mode === "auto" ? (live ? "tty" : "plain") : mode;
  const clock = (): number => performance.now();
  switch (chosen) {
    case "tty": {
      const { TtyRenderer } = await import("./tty-renderer.ts");
      const noColour = environment["NO_COLOR"];
      return new TtyRenderer(stderr, {
        clock,
        colour: stderr.isTerminal && (noColour === undefined || noColour === ""),
      });
    }
    case "json": {
      const { JsonRenderer } = await import("./json-renderer.ts");
      return new JsonRenderer(stderr, clock);
    }
    case "quiet":
      return {
        event(event): void {
          if (event.kind === "message" && event.level === "warning") stderr.write(`warning: ${event.text}\n`);
        },
        close: () => undefined,
      };
    default: {
      const { PlainRenderer } = await import("./plain-renderer.ts");
      return new PlainRenderer(stderr, clock);
    }
  }
}
