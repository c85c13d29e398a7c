import { defineCommand } from "../../framework/command.ts";
import { boolFlag, stringFlag } from "../../framework/flags.ts";
import { DEFAULT_DETACH_KEYS } from "./detach-keys.ts";

export const command = defineCommand({
  summary: "Attach local standard input, output, and error streams to a running container",
  operands: { synopsis: "CONTAINER", min: 1, max: 1, completes: "running-container" },
  flags: {
    "detach-keys": stringFlag("Override the key sequence for detaching a container", { default: DEFAULT_DETACH_KEYS }),
    "no-stdin": boolFlag("Do not attach STDIN"),
    "sig-proxy": boolFlag("Proxy all received signals to the process", { default: true }),
  },
  ownsSignals: true,
  examples: [{ says: "See what a container writes", line: "gantry attach --no-stdin web" }],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { attachContainer } = await import("../../../engine/attach-container.ts");
    const { attachedSession } = await import("./attached-session.ts");
    const store = openStore(context.storeRoot);
    const attached = await attachContainer(store, operands[0] ?? "", { start: false, interactive: true });
    const { config } = attached.record;
    const end = await attachedSession(context, attached.paths, attached.connection, {
      stdin: !flags["no-stdin"] && config.OpenStdin,
      stdout: true,
      stderr: true,
      tty: config.Tty,
      proxySignals: flags["sig-proxy"],
      detachKeys: flags["detach-keys"],
    });
    if ("exit" in end) return end.exit.code;
    return "detached" in end ? 0 : attached.lostExitCode();
  },
});
