import { GantryError } from "../../../errors/index.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, stringFlag } from "../../framework/flags.ts";
import { forEachTarget } from "../../framework/for-each-target.ts";
import { DEFAULT_DETACH_KEYS } from "./detach-keys.ts";

export const command = defineCommand({
  summary: "Start one or more stopped containers",
  operands: { synopsis: "CONTAINER [CONTAINER...]", min: 1, completes: "container" },
  flags: {
    attach: boolFlag("Attach STDOUT/STDERR and forward signals", { short: "a" }),
    "detach-keys": stringFlag("Override the key sequence for detaching a container", { default: DEFAULT_DETACH_KEYS }),
    interactive: boolFlag("Attach container's STDIN", { short: "i" }),
  },
  ownsSignals: true,
  examples: [{ says: "Start a container and see its output", line: "gantry start -a web" }],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const store = openStore(context.storeRoot);
    if (!flags.attach && !flags.interactive) {
      const { ensureStarted } = await import("../../../engine/start-container.ts");
      return await forEachTarget(context, operands, async (given) => {
        await ensureStarted(store, given);
        context.stdout.write(`${given}\n`);
      });
    }
    const [given = "", ...others] = operands;
    if (others.length > 0) throw new GantryError("USAGE", "you cannot start and attach multiple containers at once");
    const { startAttached } = await import("./start-attached.ts");
    return await startAttached(context, store, given, {
      stdin: flags.interactive,
      detachKeys: flags["detach-keys"],
    });
  },
});
