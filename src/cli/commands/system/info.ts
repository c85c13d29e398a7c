import type { SystemInfo } from "../../../engine/system-info.ts";
import { binarySize } from "../../format/byte-size.ts";
import { objectFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { VERSION } from "../../version.ts";

export const command = defineCommand({
  summary: "Display system-wide information",
  operands: { synopsis: "" },
  flags: { format: objectFormatFlag },
  examples: [{ says: "How images are mounted", line: "gantry info --format '{{.Driver}}'" }],
  async run(context, { flags }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { systemInfo } = await import("../../../engine/system-info.ts");
    if (flags.format === "") {
      context.stdout.write(infoText(systemInfo(openStore(context.storeRoot), context.environment), context.debug));
      return 0;
    }
    const { factsRenderer } = await import("../../format/facts.ts");
    const render = factsRenderer(flags.format);
    const info = systemInfo(openStore(context.storeRoot), context.environment);
    context.stdout.write(
      render({ ...info, ServerVersion: VERSION, ClientInfo: { Version: VERSION, Debug: context.debug } }),
    );
    return 0;
  },
});

/** The lines of `info`, in Docker's layout. */
export function infoText(info: SystemInfo, debug: boolean): string {
  const lines = [
    "Client:",
    ` Version:    ${VERSION}`,
    ` Debug Mode: ${debug}`,
    "",
    "Server:",
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ` Server Version: ${VERSION}`,
    ` Storage Driver: ${info.Driver}`,
    ...info.DriverStatus.map(([name, value]) => `  ${name}: ${value}`),
    ` Logging Driver: ${info.LoggingDriver}`,
    ` Cgroup Driver: ${info.CgroupDriver}`,
    ` Cgroup Version: ${info.CgroupVersion}`,
    ` Default Runtime: ${info.DefaultRuntime}`,
    " Security Options:",
    ...info.SecurityOptions.map((option) => `  ${option.replace(/^name=/, "").split(",")[0]!}`),
    ` Kernel Version: ${info.KernelVersion}`,
    ` Operating System: ${info.OperatingSystem}`,
    ` OSType: ${info.OSType}`,
    ` Architecture: ${info.Architecture}`,
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${binarySize(info.MemTotal)}`,
    ` Name: ${info.Name}`,
    ` Gantry Root Dir: ${info.DockerRootDir}`,
  ];
  return `${lines.join("\n")}\n`;
}
