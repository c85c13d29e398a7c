import { defineCommand } from "../../framework/command.ts";
import { stringFlag } from "../../framework/flags.ts";
import { runSquash, SQUASH_FLAGS } from "./squash-flags.ts";

export const command = defineCommand({
  summary: "Make an image whose upper layers, or all, are one",
  description:
    "The new image has the same files, configuration and history, and not what its layers hid from each\n" +
    "other. Layers below stay as they are and are shared. Nothing is unpacked. Without --tag the new\n" +
    "image has no name. Steps whose layers were squashed stay in the history, without a layer.",
  operands: { synopsis: "IMAGE", min: 1, max: 1, completes: "image" },
  flags: {
    ...SQUASH_FLAGS,
    from: stringFlag(
      "What to squash: a number of layers from the top; a layer's digest: it and\n" +
        "all above it; the image that this one was made from: all above its layers.\n" +
        "Default: all layers",
    ),
  },
  examples: [
    { says: "One layer on the base image", line: "gantry image squash --from debian:12 -t app:small app:1" },
    { says: "Only the three topmost layers", line: "gantry image squash --from 3 -t app:1 app:1" },
    { says: "The same digest whenever it is done", line: "gantry image squash --timestamp 0 -t app:1 app:1" },
  ],
  run: async (context, { flags, operands }) =>
    await runSquash(context, operands[0]!, flags, flags.from === "" ? undefined : flags.from),
});
