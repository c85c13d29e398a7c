import { defineCommand } from "../../framework/command.ts";
import { forEachTarget } from "../../framework/for-each-target.ts";
import { progressMode } from "../../progress/progress-flag.ts";
import { TREE_FLAGS, treeOptions } from "./tree-flags.ts";

export const command = defineCommand({
  summary: "Print files of an image, archive or container",
  description:
    "Reads straight out of the layers. Symbolic links are followed inside the image. IMAGE may also be\n" +
    "container:NAME or archive:FILE[:NAME].",
  operands: { synopsis: "IMAGE PATH [PATH...]", min: 2, completes: "image", completesNext: "none" },
  flags: TREE_FLAGS,
  examples: [
    { says: "Which release is it?", line: "gantry image cat debian /etc/os-release" },
    { says: "Take a program out of an archive", line: "gantry image cat archive:app.tar /usr/bin/app > app" },
  ],
  async run(context, { flags, operands }) {
    const { openStore } = await import("../../../store/open-store.ts");
    const { openFiles } = await import("../../../engine/image-files.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const { writeToReader } = await import("../../../archive/cancellable.ts");
    const [given, ...paths] = operands;
    const store = openStore(context.storeRoot);
    // Reading is quick; what may take its time is decompressing an archive.
    const files = await withProgress(context, progressMode(flags), (reporter) =>
      openFiles(store, given!, reporter, treeOptions(context, flags)),
    );
    try {
      const { fd } = context.stdout;
      return await forEachTarget(context, paths, (path) =>
        files.copy(path, (bytes) => writeToReader(fd, bytes, "standard output", context.signal)),
      );
    } finally {
      await files.close();
    }
  },
});
