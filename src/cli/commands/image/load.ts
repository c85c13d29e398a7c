import { defineCommand } from "../../framework/command.ts";
import { boolFlag, listFlag, stringFlag, stringsFlag } from "../../framework/flags.ts";
import { PROGRESS_FLAGS, progressMode } from "../../progress/progress-flag.ts";
import { archiveLimits, limitFlag } from "./limit-flags.ts";

export const command = defineCommand({
  summary: "Load an image from a tar archive or STDIN",
  description:
    "Reads archives of docker save (old and new), podman and skopeo, OCI archives, and OCI layout directories;\n" +
    "layers and the archive itself may be compressed with gzip, xz or zstd. Nothing is unpacked: the image runs from its layers.",
  operands: { synopsis: "", max: 0 },
  flags: {
    "dry-run": boolFlag("Say what would be added, renamed and read, and what is missing; change nothing"),
    input: stringFlag("Read from this archive or OCI layout directory instead of STDIN", {
      short: "i",
      completes: "file",
    }),
    limit: limitFlag,
    only: listFlag("Load only this image of the archive: a name, a tag or a digest; repeatable"),
    platform: stringsFlag('Load only this platform of a multi-platform image, "os[/arch[/variant]]"; repeatable'),
    ...PROGRESS_FLAGS,
    tag: listFlag("Name the image so instead; OLD=NEW for one of several; repeatable"),
  },
  examples: [
    { says: "Load from a file", line: "gantry load -i debian.tar" },
    { says: "Load what another host saves", line: "ssh host docker save debian | gantry load" },
    { says: "Load an archive with very deep directories", line: "gantry load --limit depth=5000 -i deep.tar" },
    { says: "See what an archive would change", line: "gantry load --dry-run -i debian.tar" },
    {
      says: "Give an image from an archive another name",
      line: "gantry load --only debian:12 --tag base -i images.tar",
    },
    { says: "Load an OCI layout directory", line: "gantry load -i ./layout" },
  ],
  async run(context, { flags }) {
    if (flags.input === "" && context.stdin.isTerminal) {
      const { GantryError } = await import("../../../errors/index.ts");
      throw new GantryError("USAGE", "requested load from stdin, but stdin is a terminal", {
        remedy: "Name the archive with --input, or pipe it in.",
      });
    }
    const { openStore } = await import("../../../store/open-store.ts");
    const { loadImages } = await import("../../../engine/load-image.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const { shortId } = await import("../../format/short-id.ts");
    const { parsePlatform } = await import("../../../image/platform.ts");
    const options = {
      limits: archiveLimits(context, flags.limit),
      platforms: flags.platform.map(parsePlatform),
      only: flags.only,
      tags: flags.tag,
    };
    const source = flags.input === "" ? { fd: context.stdin.fd } : { path: flags.input };
    const store = openStore(context.storeRoot);
    if (flags["dry-run"]) {
      const { planLoad } = await import("../../../engine/plan-load.ts");
      const { loadPlanText } = await import("./load-plan-text.ts");
      const plan = await withProgress(context, progressMode(flags), (reporter) =>
        planLoad(store, source, options, reporter),
      );
      context.stdout.write(loadPlanText(plan));
      if (plan.problem !== undefined) throw plan.problem;
      return 0;
    }
    const loaded = await withProgress(context, progressMode(flags), (reporter) =>
      loadImages(store, source, options, reporter),
    );
    for (const { image, platforms, names, moved } of loaded) {
      for (const { name, from } of moved) {
        context.stdout.write(
          `The image ${name} already exists, renaming the old one with ID ${shortId(from)} to empty string\n`,
        );
      }
      const digest = platforms.length > 1 ? (image.index?.digest ?? image.id) : image.id;
      if (names.length === 0) context.stdout.write(`Loaded image ID: ${digest}\n`);
      for (const name of names) context.stdout.write(`Loaded image: ${name}\n`);
    }
    return 0;
  },
});
