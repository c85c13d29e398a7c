import { defineCommand } from "../../framework/command.ts";
import { stringFlag } from "../../framework/flags.ts";
import { progressFlag } from "../../progress/progress-flag.ts";

export const command = defineCommand({
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  description:
    "The archive is one that docker load, podman load, skopeo and umoci read; layers that images share are in it once.",
  operands: { synopsis: "IMAGE [IMAGE...]", min: 1, completes: "image" },
  flags: {
    output: stringFlag("Write to a file, instead of STDOUT", { short: "o" }),
    platform: stringFlag('Save only this platform, "os[/arch[/variant]]"'),
    progress: progressFlag,
  },
  examples: [
    { says: "Save two images into one file", line: "gantry save -o images.tar debian busybox" },
    { says: "Hand an image to docker", line: "gantry save debian | docker load" },
  ],
  async run(context, { flags, operands }) {
    if (flags.output === "" && context.stdout.isTerminal) {
      const { GantryError } = await import("../../../errors/index.ts");
      throw new GantryError("USAGE", "refusing to write an image archive to a terminal", {
        remedy: "Use -o FILE, or redirect standard output.",
      });
    }
    const { openStore } = await import("../../../store/open-store.ts");
    const { saveImages } = await import("../../../engine/save-image.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const options =
      flags.platform === ""
        ? {}
        : { platform: (await import("../../../image/platform.ts")).parsePlatform(flags.platform) };
    const target = flags.output === "" ? { fd: context.stdout.fd } : { path: flags.output };
    const store = openStore(context.storeRoot);
    await withProgress(context, flags.progress, (reporter) =>
      saveImages(store, [...operands], target, options, reporter),
    );
    return 0;
  },
});
