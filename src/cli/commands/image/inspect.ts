import { objectFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { stringFlag } from "../../framework/flags.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more images",
  operands: { synopsis: "IMAGE [IMAGE...]", min: 1, completes: "image" },
  flags: {
    format: objectFormatFlag,
    platform: stringFlag('Inspect this platform of a multi-platform image, "os[/arch[/variant]]"'),
  },
  examples: [
    { says: "The image's layers", line: "gantry image inspect --format '{{.RootFS.Layers}}' debian" },
    { says: "How its containers run", line: "gantry image inspect --format '{{json .Config}}' debian" },
    { says: "What another platform gets", line: "gantry image inspect --platform linux/arm64 debian" },
  ],
  async run(context, { flags, operands }) {
    const { inspectTargets } = await import("../inspect-targets.ts");
    const { openStore } = await import("../../../store/open-store.ts");
    const { inspectImage } = await import("../../../engine/inspect-image.ts");
    const store = openStore(context.storeRoot);
    const platform =
      flags.platform === "" ? undefined : (await import("../../../image/platform.ts")).parsePlatform(flags.platform);
    const inspect = (reference: string): object => inspectImage(store, reference, { platform });
    return await inspectTargets(context, operands, flags.format, inspect);
  },
});
