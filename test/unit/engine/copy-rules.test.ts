import { describe, expect, it } from "vitest";
import { copyPath, parseCopyEnd } from "../../../src/engine/copy-path.ts";
import { type CopyDestination, placeCopy } from "../../../src/engine/copy-rules.ts";

describe("an argument of cp", () => {
  it.each([
    ["-", { kind: "stream" }],
    ["file", { kind: "local", path: "file" }],
    ["./a:b", { kind: "local", path: "./a:b" }],
    ["../a:b", { kind: "local", path: "../a:b" }],
    ["/a:b", { kind: "local", path: "/a:b" }],
    ["c:/x", { kind: "container", container: "c", path: "/x" }],
    ["c:x:y", { kind: "container", container: "c", path: "x:y" }],
    ["c:", { kind: "container", container: "c", path: "" }],
  ])("%s is understood as Docker understands it", (text, end) => {
    expect(parseCopyEnd(text)).toEqual(end);
  });
});

describe("a path of cp", () => {
  it.each([
    ["/a/b", "/a/b", "b", ""],
    ["a/../b/", "/base/b", "b", "/"],
    ["/a/b/.", "/a/b", "b", "/."],
    [".", "/base", "base", "/."],
    ["..", "/", "", ""],
    ["/../..//x", "/x", "x", ""],
    ["/", "/", "", "/"],
  ])("%s is taken apart", (given, path, name, ending) => {
    expect(copyPath(given, "/base")).toEqual({ given, path, name, ending });
  });

  it("is not empty", () => {
    expect(() => copyPath("", "/")).toThrow(expect.objectContaining({ code: "PATH_INVALID" }));
  });
});

describe("a copy goes", () => {
  const file = { isDirectory: false, contentsOnly: false, name: "f" };
  const directory = { isDirectory: true, contentsOnly: false, name: "d" };
  const contents = { isDirectory: true, contentsOnly: true, name: "d" };
  const to = (state: CopyDestination["state"], assertsDirectory = false): CopyDestination => ({
    state,
    assertsDirectory,
  });
  const parent = { into: "parent" };
  const inside = (name: string): object => ({ into: "destination", name });

  it.each([
    ["a file to a new name", file, to("missing"), parent],
    ["a file over a file", file, to("file"), parent],
    ["a file into a directory", file, to("directory"), inside("f")],
    ["a directory to a new name", directory, to("missing"), parent],
    ["a directory to a new name with a slash", directory, to("missing", true), parent],
    ["a directory into a directory", directory, to("directory"), inside("d")],
    ["what a directory holds to a new name", contents, to("missing"), parent],
    ["what a directory holds into a directory", contents, to("directory"), inside("")],
  ])("%s", (_what, source, destination, placement) => {
    expect(placeCopy(source, destination)).toEqual(placement);
  });

  it.each([
    ["a file to a directory that is not there", file, to("missing", true), "no such directory"],
    ["a file to a file called a directory", file, to("file", true), "not a directory"],
    ["a directory over a file", directory, to("file"), "cannot copy directory"],
    ["what a directory holds over a file", contents, to("file"), "cannot copy directory"],
  ])("not: %s", (_what, source, destination, says) => {
    expect(() => placeCopy(source, destination)).toThrow(
      expect.objectContaining({ code: "COPY_CONFLICT", message: expect.stringContaining(says) as string }),
    );
  });
});
