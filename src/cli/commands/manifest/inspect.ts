import { defineCommand } from "../../framework/command.ts";
import { boolFlag } from "../../framework/flags.ts";

export const command = defineCommand({
  summary: "Display an image manifest, or the list of a multi-platform image's manifests",
  description:
    "Shows what the store has, as it was received. NAME@DIGEST shows one manifest of a multi-platform image.",
  operands: { synopsis: "IMAGE", min: 1, max: 1, completes: "image" },
  flags: {
    insecure: boolFlag("Accepted for Docker's sake: no registry is asked", { hidden: true }),
    verbose: boolFlag("Each manifest with its descriptor, platform and contents", { short: "v" }),
  },
  examples: [
    { says: "Which platforms an image has", line: "gantry manifest inspect debian" },
    { says: "The layers of each platform", line: "gantry manifest inspect --verbose debian" },
  ],
  async run(context, { flags, operands: [reference = ""] }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { inspectManifest, manifestDetails } = await import("../../../engine/inspect-manifest.ts");
    const store = openStore(context.storeRoot);
    const document = inspectManifest(store, reference);
    const { bytes, manifests } = document;
    const print = (value: unknown, indent: string): void => {
      context.stdout.write(`${JSON.stringify(value, undefined, indent)}\n`);
    };
    if (flags.verbose) {
      const details = manifestDetails(store, reference, document);
      print(manifests === undefined ? details[0] : details, "\t");
    } else {
      // Docker indents a list by three spaces and a manifest by tabs; scripts have been seen to rely on it.
      print(JSON.parse(new TextDecoder().decode(bytes)), manifests === undefined ? "\t" : "   ");
    }
    return 0;
  },
});
