import { GantryError, isGantryError } from "../../../errors/index.ts";
import { objectFormatFlag } from "../../format/format-flag.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, stringFlag } from "../../framework/flags.ts";

const TYPES = ["container", "image"];

export const command = defineCommand({
  summary: "Return low-level information on containers and images",
  operands: { synopsis: "NAME|ID [NAME|ID...]", min: 1, completes: "container" },
  flags: {
    format: objectFormatFlag,
    size: boolFlag("Display total file sizes if the type is container", { short: "s" }),
    type: stringFlag("Only inspect objects of the given type: container or image"),
  },
  examples: [
    { says: "Whether a container runs", line: "gantry inspect --format '{{.State.Status}}' web" },
    { says: "An image that is called like a container", line: "gantry inspect --type image web" },
  ],
  async run(context, { flags, operands, given }) {
    if (given.has("type") && !TYPES.includes(flags.type)) {
      throw new GantryError(
        "USAGE",
        `unknown type: ${JSON.stringify(flags.type)}: must be one of "container", "image"`,
      );
    }
    const { inspectTargets } = await import("../inspect-targets.ts");
    const { openStore } = await import("../../../store/open-store.ts");
    const { inspectImage } = await import("../../../engine/inspect-image.ts");
    const store = openStore(context.storeRoot);
    const kinds: ((target: string) => object)[] = [];
    if (flags.type !== "image") {
      const { inspectContainer } = await import("../../../engine/inspect-container.ts");
      kinds.push((target) => inspectContainer(store, target, { size: flags.size }));
    }
    if (flags.type !== "container") kinds.push((target) => inspectImage(store, target));
    return await inspectTargets(context, operands, flags.format, (target) => {
      for (const inspect of kinds) {
        try {
          return inspect(target);
        } catch (error) {
          if (kinds.length === 1 || !isNotFound(error)) throw error;
        }
      }
      throw new GantryError("IMAGE_NOT_FOUND", `No such object: ${target}`);
    });
  },
});

function isNotFound(error: unknown): boolean {
  return isGantryError(error) && error.kind === "not-found";
}
