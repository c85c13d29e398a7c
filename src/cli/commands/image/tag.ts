import { defineCommand } from "../../framework/command.ts";

export const command = defineCommand({
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  operands: { synopsis: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", min: 2, max: 2, completes: "image" },
  flags: {},
  examples: [{ says: "Give an image a second name", line: "gantry tag debian registry.example.com/base:1" }],
  async run(context, { operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { tagImage } = await import("../../../engine/tag-image.ts");
    await tagImage(openStore(context.storeRoot), operands[0]!, operands[1]!);
    return 0;
  },
});
