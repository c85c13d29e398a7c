import { defineCommand } from "../../framework/command.ts";
import { CREATE_FLAGS } from "./create-flags.ts";
import { createRequest } from "./create-request.ts";
import { writeContainerIdFile } from "./cid-file.ts";
import { warningReporter } from "./warning-reporter.ts";

export const command = defineCommand({
  summary: "Create a new container",
  description: "The container is made, but not started: start it with gantry start.",
  operands: { synopsis: "IMAGE [COMMAND] [ARG...]", min: 1, completes: "image", completesNext: "file" },
  flags: CREATE_FLAGS,
  optionsFirst: true,
  runsContainer: true,
  examples: [{ says: "Create a container and start it later", line: "gantry create --name web busybox httpd -f" }],
  async run(context, { flags, operands, given }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { createContainer } = await import("../../../engine/create-container.ts");
    const request = await createRequest(context, { flags, operands, given }, true);
    request.attach = { stdin: flags.interactive, stdout: true, stderr: true };
    const { record } = await createContainer(openStore(context.storeRoot), request, warningReporter(context));
    writeContainerIdFile(flags.cidfile, record.id);
    context.stdout.write(`${record.id}\n`);
    return 0;
  },
});
