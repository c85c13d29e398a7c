import type { SaveOptions } from "../../../engine/save-image.ts";
import type { GzipLevel } from "../../../kernels/deflate.ts";
import type { CommandContext } from "../../framework/context.ts";
import { defineCommand } from "../../framework/command.ts";
import { choiceFlag, type Flag, intFlag, listFlag, stringFlag, stringsFlag } from "../../framework/flags.ts";
import { PROGRESS_FLAGS, progressMode } from "../../progress/progress-flag.ts";

const FORMATS = ["docker-archive", "oci-archive", "oci-dir"] as const;
const COMPRESSIONS = ["none", "gzip", "zstd"] as const;

const flags = {
  compress: choiceFlag<"" | (typeof COMPRESSIONS)[number]>(
    "Send layers uncompressed (none) or compressed (gzip, zstd), and not as they were received",
    COMPRESSIONS,
    { default: "" },
  ),
  "compress-level": intFlag("How hard to compress: gzip 1 to 9 (default 6), zstd 1 to 19 (default 3)", {
    min: 1,
    max: 19,
  }),
  format: choiceFlag("Format: docker-archive, oci-archive, oci-dir (a directory, new or to be added to)", FORMATS, {
    default: "docker-archive",
  }),
  output: stringFlag("Write to a file, instead of STDOUT", { short: "o", completes: "file" }),
  platform: stringsFlag('Save only these platforms, "os[/arch[/variant]],..."'),
  ...PROGRESS_FLAGS,
  since: listFlag("Leave out the layers that this image has: a delta, which only gantry load completes"),
} satisfies Record<string, Flag>;

export const command = defineCommand({
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  description:
    "A docker-archive is read by docker load, podman load, skopeo and umoci; layers that images share are in it once.\n" +
    "An image for several platforms is saved with all that are in the store; --platform makes it one for readers that\n" +
    "know no platforms (umoci). Without --compress layers are sent as they were received, in a docker-archive those in\n" +
    "zstd as plain tars, since Docker before 23 cannot read zstd.",
  operands: { synopsis: "IMAGE [IMAGE...]", min: 1, completes: "image" },
  flags,
  examples: [
    { says: "Save two images into one file", line: "gantry save -o images.tar debian busybox" },
    { says: "Hand an image to docker", line: "gantry save debian | docker load" },
    {
      says: "Save small, as an OCI archive",
      line: "gantry save --format oci-archive --compress zstd -o app.tar app:2",
    },
    { says: "Add an image to an OCI layout directory", line: "gantry save --format oci-dir -o ./layout debian" },
    {
      says: "Send another host only what app:1 has not",
      line: "gantry save --since app:1 app:2 | ssh host gantry load",
    },
  ],
  async run(context, { flags: given, operands }) {
    const options = await saveOptions(given);
    const target = await saveTarget(context, given);
    const { openStore } = await import("../../../store/open-store.ts");
    const { saveImages } = await import("../../../engine/save-image.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const store = openStore(context.storeRoot);
    await withProgress(context, progressMode(given), (reporter) =>
      saveImages(store, operands, target, options, reporter),
    );
    return 0;
  },
});

interface Given {
  readonly compress: "" | (typeof COMPRESSIONS)[number];
  readonly "compress-level": number | undefined;
  readonly format: (typeof FORMATS)[number];
  readonly output: string;
  readonly platform: readonly string[];
  readonly since: readonly string[];
}

async function saveOptions({ format, since, compress, platform, ...given }: Given): Promise<SaveOptions> {
  const level = given["compress-level"];
  if (level !== undefined && compress !== "gzip" && compress !== "zstd")
    throw await usage("--compress-level needs --compress gzip or --compress zstd");
  if (compress === "gzip" && level !== undefined && level > 9) throw await usage("gzip has no level over 9");
  const { parsePlatform } = await import("../../../image/platform.ts");
  return {
    format,
    since,
    platforms: platform.map(parsePlatform),
    ...(compress === "none" ? { compression: compress } : {}),
    ...(compress === "gzip" ? { compression: { kind: compress, level: (level ?? 6) as GzipLevel } } : {}),
    ...(compress === "zstd" ? { compression: { kind: compress, level: level ?? 3 } } : {}),
  };
}

async function saveTarget({ stdout }: CommandContext, { output, format }: Given) {
  if (output !== "") return { path: output };
  if (format === "oci-dir") throw await usage("a directory cannot be written to a stream", "Name it with -o.");
  if (stdout.isTerminal)
    throw await usage("refusing to write an image archive to a terminal", "Use -o FILE, or redirect standard output.");
  return { fd: stdout.fd };
}

async function usage(message: string, remedy?: string): Promise<Error> {
  const { GantryError } = await import("../../../errors/index.ts");
  return new GantryError("USAGE", message, remedy === undefined ? {} : { remedy });
}
