import { objectFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more images",
  operands: { synopsis: "IMAGE [IMAGE...]", min: 1, completes: "image" },
  flags: { format: objectFormatFlag },
  examples: [
    { says: "The image's layers", line: "gantry image inspect --format '{{.RootFS.Layers}}' debian" },
    { says: "How its containers run", line: "gantry image inspect --format '{{json .Config}}' debian" },
  ],
  async run(context, { flags, operands }) {
    const { inspectTargets } = await import("../inspect-targets.ts");
    const { openStore } = await import("../../../store/open-store.ts");
    const { inspectImage } = await import("../../../engine/inspect-image.ts");
    const store = openStore(context.storeRoot);
    return await inspectTargets(context, operands, flags.format, (reference) => inspectImage(store, reference));
  },
});
