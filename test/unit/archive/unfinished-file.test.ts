import * as fs from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { UnfinishedFile } from "../../../src/archive/unfinished-file.ts";
import { scratchDirectory } from "../bridge/scratch.ts";

const state = vi.hoisted(() => ({ hasProc: true }));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof fs>();
  const existsSync = (path: string): boolean => (path === "/proc/self/fd" ? state.hasProc : real.existsSync(path));
  return { ...real, default: { ...real, existsSync }, existsSync };
});

const scratch = scratchDirectory("unfinished");
let directory: string;
let count = 0;
beforeEach(() => {
  directory = join(scratch, String(count++));
  fs.mkdirSync(directory);
});

describe.each([
  ["without a name", true],
  ["under a hidden name, where there is no /proc", false],
])("a file in the making, %s", (_, hasProc) => {
  beforeEach(() => {
    state.hasProc = hasProc;
  });
  const create = (content = "new"): UnfinishedFile => {
    const file = UnfinishedFile.create(join(directory, "a"), 0o640);
    fs.writeSync(file.fd, content);
    return file;
  };

  it("appears whole, for its owner to read and write", () => {
    const file = create();
    expect(fs.existsSync(join(directory, "a"))).toBe(false);
    expect(fs.readdirSync(directory)).toHaveLength(hasProc ? 0 : 1);
    file.finish();
    file.discard();
    expect(fs.readdirSync(directory)).toEqual(["a"]);
    expect(fs.readFileSync(join(directory, "a"), "utf8")).toBe("new");
    expect(fs.statSync(join(directory, "a")).mode & 0o700).toBe(0o600);
  });

  it("replaces what is there in one step, and leaves nothing beside it", () => {
    fs.writeFileSync(join(directory, "a"), "old");
    const file = create();
    expect(fs.readFileSync(join(directory, "a"), "utf8")).toBe("old");
    file.finish();
    expect(fs.readdirSync(directory)).toEqual(["a"]);
    expect(fs.readFileSync(join(directory, "a"), "utf8")).toBe("new");
  });

  it("that is discarded, or cannot get its name, leaves what was there", () => {
    fs.mkdirSync(join(directory, "a"));
    const file = create();
    expect(() => file.finish()).toThrow();
    const other = create();
    other.discard();
    other.discard();
    expect(fs.readdirSync(directory)).toEqual(["a"]);
    expect(fs.statSync(join(directory, "a")).isDirectory()).toBe(true);
  });
});
