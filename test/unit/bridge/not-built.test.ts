import { cpSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import type * as Bridge from "../../../src/bridge/index.ts";
import { scratchDirectory } from "./scratch.ts";

const SRC = resolve(import.meta.dirname, "../../../src");

it("a tree that was not built says so, and how to build it", async () => {
  const copy = join(scratchDirectory("not-built"), "src");
  mkdirSync(copy);
  for (const area of ["artifacts", "bridge", "errors"]) cpSync(join(SRC, area), join(copy, area), { recursive: true });
  const { listXattrs } = (await import(pathToFileURL(join(copy, "bridge/index.ts")).href)) as typeof Bridge;
  // Errors of the copy are of the copy's class.
  expect(() => listXattrs("/")).toThrow(
    expect.objectContaining({ code: "NATIVE_MISSING", remedy: "Run npm run setup." }),
  );
});
