import { GantryError } from "../../../errors/index.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, stringFlag } from "../../framework/flags.ts";
import { writeContainerIdFile } from "./cid-file.ts";
import { CREATE_FLAGS } from "./create-flags.ts";
import { createRequest } from "./create-request.ts";
import { DEFAULT_DETACH_KEYS } from "./detach-keys.ts";
import { warningReporter } from "./warning-reporter.ts";

export const command = defineCommand({
  summary: "Create and run a new container from an image",
  description:
    "The exit status is that of the container's command; 125: gantry failed, 126: the command cannot be\n" +
    "executed, 127: there is no such command.",
  operands: { synopsis: "IMAGE [COMMAND] [ARG...]", min: 1, completes: "image", completesNext: "file" },
  flags: {
    ...CREATE_FLAGS,
    detach: boolFlag("Run container in background and print container ID", { short: "d" }),
    "detach-keys": stringFlag("Override the key sequence for detaching a container", { default: DEFAULT_DETACH_KEYS }),
    "sig-proxy": boolFlag("Proxy received signals to the process", { default: true }),
  },
  optionsFirst: true,
  runsContainer: true,
  ownsSignals: true,
  examples: [
    { says: "Run a command and remove the container afterwards", line: "gantry run --rm busybox echo hello" },
    { says: "Work in a shell", line: "gantry run --rm -it busybox sh" },
    {
      says: "Another platform's image, with an emulator",
      line: "gantry run --rm --platform linux/arm64 busybox uname -m",
    },
    { says: "Run a server in the background", line: "gantry run -d --name web busybox httpd -f" },
  ],
  async run(context, { flags, operands, given }) {
    if (flags.detach && flags.attach.length > 0) {
      throw new GantryError("USAGE", "conflicting options: cannot specify both --attach and --detach");
    }
    const request = await createRequest(context, { flags, operands, given }, flags.detach);
    if (flags.tty && request.attach?.stdin === true && !context.stdin.isTerminal) {
      throw new GantryError("USAGE", "the input device is not a TTY", {
        remedy: "Leave out -t, or run it in a terminal.",
      });
    }
    const { openStore } = await import("../../../store/open-store.ts");
    const { runContainer } = await import("../../../engine/run-container.ts");
    const store = openStore(context.storeRoot);
    const { attach = { stdin: false, stdout: false, stderr: false } } = request;
    const attached = !flags.detach && (attach.stdin || attach.stdout || attach.stderr);
    const running = await runContainer(
      store,
      request,
      { attached, interactive: attach.stdin || flags.tty },
      warningReporter(context),
    );
    writeContainerIdFile(flags.cidfile, running.record.id);
    if (running.connection === undefined) {
      await running.ready;
      if (flags.detach) context.stdout.write(`${running.record.id}\n`);
      return 0;
    }
    const { attachedSession } = await import("./attached-session.ts");
    const session = attachedSession(context, running.paths, running.connection, {
      ...attach,
      tty: flags.tty,
      proxySignals: flags["sig-proxy"],
      detachKeys: flags["detach-keys"],
    });
    // Both: the output of a container that ends at once may come before the word that it has started.
    const [, end] = await Promise.all([running.ready, session]);
    if ("exit" in end) return end.exit.code;
    return "detached" in end ? 0 : running.lostExitCode();
  },
});
