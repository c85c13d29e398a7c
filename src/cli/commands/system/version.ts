import { arch, release } from "node:os";
import { objectFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { VERSION } from "../../version.ts";

/** Go's, and so Docker's, names of processors. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

export const command = defineCommand({
  summary: "Show the gantry version information",
  operands: { synopsis: "" },
  flags: { format: objectFormatFlag },
  examples: [{ says: "The bare number", line: "gantry version --format '{{.Client.Version}}'" }],
  async run(context, { flags }) {
    const facts = versionFacts();
    if (flags.format === "") {
      const { Client, Server } = facts;
      context.stdout.write(
        "Client:\n" +
          ` Version:           ${Client.Version}\n` +
          ` Node.js version:   ${Client.NodeVersion}\n` +
          ` OS/Arch:           ${Client.Os}/${Client.Arch}\n` +
          "\nServer: in the same process, there is no daemon\n" +
          " Engine:\n" +
          `  Version:          ${Server.Version}\n` +
          `  OS/Arch:          ${Server.Os}/${Server.Arch}\n` +
          `  Kernel version:   ${Server.KernelVersion}\n`,
      );
      return 0;
    }
    const { factsRenderer } = await import("../../format/facts.ts");
    context.stdout.write(factsRenderer(flags.format)(facts));
    return 0;
  },
});

interface VersionFacts {
  readonly Client: { Version: string; NodeVersion: string; Os: string; Arch: string };
  readonly Server: { Version: string; Os: string; Arch: string; KernelVersion: string };
}

/** What `version --format` can name. Client and server are the same program; scripts written for Docker ask for either. */
function versionFacts(): VersionFacts {
  const Arch = GO_ARCHITECTURES[arch()] ?? arch();
  return {
    Client: { Version: VERSION, NodeVersion: process.version, Os: "linux", Arch },
    Server: { Version: VERSION, Os: "linux", Arch, KernelVersion: release() },
  };
}
