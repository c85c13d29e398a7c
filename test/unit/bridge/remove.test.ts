import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { removeTree } from "../../../src/bridge/index.ts";
import { scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("remove");

describe("removeTree", () => {
  it("removes files, links and trees, and minds nothing that is missing", async () => {
    const root = join(scratch, "a");
    mkdirSync(join(root, "b/c/d"), { recursive: true });
    writeFileSync(join(root, "b/file"), "");
    execFileSync("mkfifo", [join(root, "b/fifo")]);
    await removeTree(root);
    expect(existsSync(root)).toBe(false);
    await removeTree(root);
    writeFileSync(root, "");
    await removeTree(root);
    expect(existsSync(root)).toBe(false);
  });

  it("does not follow symbolic links, neither inside nor at the top", async () => {
    const outside = join(scratch, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "kept");
    const root = join(scratch, "linked");
    mkdirSync(root);
    symlinkSync(outside, join(root, "link"));
    await removeTree(root);
    symlinkSync(outside, root);
    await removeTree(root);
    expect(existsSync(root)).toBe(false);
    expect(readFileSync(join(outside, "kept"), "utf8")).toBe("kept");
  });

  it("removes what is deeper than any path or descriptor table reaches", async () => {
    const root = join(scratch, "deep");
    mkdirSync(root);
    // 1,500 levels, each made relative to the one before.
    execFileSync("python3", [
      "-c",
      `import os
os.chdir(${JSON.stringify(root)})
open(".gantry-remove-1", "w").close()
for i in range(1500):
    os.mkdir("d"); os.chdir("d"); open("f", "w").close()`,
    ]);
    await removeTree(root);
    expect(existsSync(root)).toBe(false);
  });

  it("names the path that could not be removed", async () => {
    await expect(removeTree("/proc/self/fdinfo")).rejects.toMatchObject({ details: { path: /^\/proc\/self\/fdinfo/ } });
  });
});
