import { defineCommand } from "../../framework/command.ts";
import { runSquash, SQUASH_FLAGS } from "./squash-flags.ts";

export const command = defineCommand({
  summary: "Make an image of one layer with the same files",
  description:
    "The same as gantry image squash of all layers: files, configuration and history stay. Nothing is\n" +
    "unpacked. Without --tag the new image has no name.",
  operands: { synopsis: "IMAGE", min: 1, max: 1, completes: "image" },
  flags: SQUASH_FLAGS,
  examples: [{ says: "One layer instead of many", line: "gantry image flatten -t app:flat app:1" }],
  run: async (context, { flags, operands }) => await runSquash(context, operands[0]!, flags, undefined),
});
