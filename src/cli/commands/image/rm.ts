import { defineCommand } from "../../framework/command.ts";
import { boolFlag, stringFlag } from "../../framework/flags.ts";

export const command = defineCommand({
  summary: "Remove one or more images",
  description:
    "Removes a name; with an image's last name, or by id, the image and the layers that nothing else needs. An image that\n" +
    "others were built on can go: they share its layers, not the image.",
  operands: { synopsis: "IMAGE [IMAGE...]", min: 1, completes: "image" },
  flags: {
    force: boolFlag("Force removal of the image", { short: "f" }),
    "no-prune": boolFlag("Do not delete untagged parents (there are none: images share layers only)"),
    platform: stringFlag('Remove only this platform of a multi-platform image, "os[/arch[/variant]]"'),
  },
  examples: [
    { says: "Remove one name of an image", line: "gantry rmi registry.example.com/base:1" },
    { says: "Remove all images that have no name", line: "gantry rmi $(gantry images -q --filter dangling=true)" },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { removeImage } = await import("../../../engine/remove-image.ts");
    const { isGantryError } = await import("../../../errors/index.ts");
    const { forEachTarget } = await import("../../framework/for-each-target.ts");
    const platform =
      flags.platform === "" ? undefined : (await import("../../../image/platform.ts")).parsePlatform(flags.platform);
    const store = openStore(context.storeRoot);
    const seen = { otherFailure: false };
    const status = await forEachTarget(context, operands, async (reference) => {
      try {
        const { untagged, deleted } = await removeImage(store, reference, { force: flags.force, platform });
        for (const name of untagged) context.stdout.write(`Untagged: ${name}\n`);
        for (const digest of deleted) context.stdout.write(`Deleted: ${digest}\n`);
      } catch (error) {
        if (!isGantryError(error, "IMAGE_NOT_FOUND")) seen.otherFailure = true;
        throw error;
      }
    });
    // What --force was to remove and is not there is told, but is no failure.
    return flags.force && !seen.otherFailure ? 0 : status;
  },
});
