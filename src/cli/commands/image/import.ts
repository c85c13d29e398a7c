import { defineCommand } from "../../framework/command.ts";
import { listFlag, stringFlag } from "../../framework/flags.ts";
import { timestampFlag, wantedTimestamp } from "../../framework/timestamp-flag.ts";
import { PROGRESS_FLAGS, progressMode } from "../../progress/progress-flag.ts";
import { archiveLimits, limitFlag } from "./limit-flags.ts";

export const command = defineCommand({
  summary: "Import the contents from a tarball to create a filesystem image",
  description:
    "The tar, plain or compressed, becomes the only layer of a new image, byte for byte. For archives of images, as\n" +
    "docker save writes them, use gantry load.",
  operands: { synopsis: "FILE|URL|- [REPOSITORY[:TAG]]", min: 1, max: 2, completes: "file" },
  flags: {
    change: listFlag("Apply Dockerfile instruction to the created image", { short: "c" }),
    limit: limitFlag,
    message: stringFlag("Set commit message for imported image", { short: "m" }),
    platform: stringFlag('Platform that the image is for, "os[/arch[/variant]]" (default: this machine\'s)'),
    ...PROGRESS_FLAGS,
    timestamp: timestampFlag,
  },
  examples: [
    { says: "Make an image of a root file system", line: "gantry import rootfs.tar.gz base:1" },
    { says: "Make one of a directory", line: "tar -C rootfs -c . | gantry import -c 'CMD [\"/bin/sh\"]' - base:2" },
    { says: "Make one of a download", line: "gantry import https://example.com/rootfs.tar.zst base:3" },
  ],
  async run(context, { flags, operands }) {
    const [given, name] = operands as [string, string?];
    if (given === "-" && context.stdin.isTerminal) {
      const { GantryError } = await import("../../../errors/index.ts");
      throw new GantryError("USAGE", "requested import from stdin, but stdin is a terminal", {
        remedy: "Name the tar's file, or pipe it in.",
      });
    }
    const timestamp = wantedTimestamp(context, flags.timestamp);
    const { openStore } = await import("../../../store/open-store.ts");
    const { importImage } = await import("../../../engine/import-image.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const { parsePlatform } = await import("../../../image/platform.ts");
    const options = {
      message: flags.message,
      changes: flags.change,
      limits: archiveLimits(context, flags.limit),
      ...(flags.platform === "" ? {} : { platform: parsePlatform(flags.platform) }),
      ...(name === undefined ? {} : { name }),
      ...(timestamp === undefined ? {} : { timestamp }),
    };
    const store = openStore(context.storeRoot);
    const image = await withProgress(context, progressMode(flags), (reporter) =>
      importImage(store, sourceOf(given, context.stdin.fd), options, reporter),
    );
    context.stdout.write(`${image.id}\n`);
    return 0;
  },
});

function sourceOf(given: string, stdin: number): { path: string } | { url: string } | { fd: number } {
  if (given === "-") return { fd: stdin };
  return /^https?:\/\//i.test(given) ? { url: given } : { path: given };
}
