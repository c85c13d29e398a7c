import { describe, expect, it } from "vitest";
import { copyError } from "../../../src/engine/copy-error.ts";
import { copyFiles } from "../../../src/engine/copy-files.ts";
import { GantryError } from "../../../src/errors/index.ts";
import { SILENT_REPORTER } from "../../../src/events/progress.ts";
import type { Store } from "../../../src/store/store.ts";

describe("a failed copy is told in Docker's words", () => {
  const failed = (step: string, name = "EEXIST"): unknown =>
    copyError(new GantryError("SYSTEM_CALL_FAILED", "raw", { details: { step, name, path: "etc/hosts" } }), "web:/etc");

  it.each([
    [
      "overwrite directory with non-directory",
      "COPY_CONFLICT",
      'cannot overwrite directory "etc/hosts" with non-directory "web:/etc"',
    ],
    [
      "overwrite non-directory with directory",
      "COPY_CONFLICT",
      'cannot overwrite non-directory "etc/hosts" with directory "web:/etc"',
    ],
    ["leave the destination", "TAR_PATH_ESCAPES", '"etc/hosts" is outside of "web:/etc"'],
  ])("%s", (step, code, message) => {
    expect(failed(step)).toMatchObject({ code, message });
  });

  it("a read-only file system is the container's", () => {
    expect(failed("open", "EROFS")).toMatchObject({
      code: "CONTAINER_READ_ONLY",
      message: "container rootfs is marked read-only",
    });
  });

  it("anything else is what it was", () => {
    const error = new GantryError("NO_SPACE", "full", { details: { step: "write", name: "ENOSPC" } });
    expect(copyError(error, "x")).toBe(error);
    expect(copyError(undefined, "x")).toBeUndefined();
  });
});

describe("two ends that cannot be copied between", () => {
  const options = { archive: false, followLink: false, stream: { stdin: 0, stdout: 1 } };
  const container = { kind: "container", container: "a", path: "/x" } as const;
  const local = { kind: "local", path: "x" } as const;

  it("two containers", async () => {
    await expect(copyFiles({} as Store, container, container, options, SILENT_REPORTER)).rejects.toMatchObject({
      code: "COPY_UNSUPPORTED",
      message: "copying between containers is not supported",
    });
  });

  it("no container at all", async () => {
    await expect(copyFiles({} as Store, local, local, options, SILENT_REPORTER)).rejects.toMatchObject({
      code: "USAGE",
      message: "must specify at least one container source",
    });
  });
});
