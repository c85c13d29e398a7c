import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSmallFiles } from "../../../src/bridge/index.ts";
import { scratchDirectory } from "./scratch.ts";

const root = join(scratchDirectory("small-files"), "root");
mkdirSync(join(root, "dir"), { recursive: true });
writeFileSync(join(root, "a"), "alpha");
writeFileSync(join(root, "dir/b"), "beta");
symlinkSync("/etc/passwd", join(root, "link"));
symlinkSync("/dir", join(root, "to-dir"));
symlinkSync("../../../../../../etc", join(root, "out"));

describe("readSmallFiles", () => {
  it("puts the files of several directories back to back", () => {
    const data = Buffer.alloc(9);
    const failed = readSmallFiles(
      root,
      [
        { directory: ".", files: [{ name: "a", bytes: 5 }] },
        { directory: "dir", files: [{ name: Buffer.from("b"), bytes: 4 }] },
      ],
      data,
    );
    expect([data.toString(), failed]).toEqual(["alphabeta", new Set()]);
  });

  it("names those that are gone, too short, or something else by now, and reads the others", () => {
    const files = [
      { name: "missing", bytes: 1 },
      { name: "a", bytes: 6 },
      { name: "link", bytes: 5 },
      { name: "dir", bytes: 1 },
      { name: "a", bytes: 2 },
    ];
    const data = Buffer.alloc(15);
    expect(readSmallFiles(root, [{ directory: ".", files }], data)).toEqual(new Set([0, 1, 2, 3]));
    expect(data.toString("latin1", 13)).toBe("al");
  });

  it("stays inside the root, whatever a directory has become", () => {
    const one = (directory: string, name: string): number =>
      readSmallFiles(root, [{ directory, files: [{ name, bytes: 1 }] }], Buffer.alloc(1)).size;
    expect([one("out", "passwd"), one("gone", "b"), one("to-dir", "b"), one("../../etc", "passwd")]).toEqual([
      1, 1, 0, 1,
    ]);
  });

  it("refuses more than the memory that it is given holds, and a root that is not there", () => {
    const wanted = [{ directory: ".", files: [{ name: "a", bytes: 5 }] }];
    expect(() => readSmallFiles(root, wanted, Buffer.alloc(4))).toThrow(
      expect.objectContaining({ code: "SYSTEM_CALL_FAILED" }),
    );
    expect(() => readSmallFiles(join(root, "nowhere"), wanted, Buffer.alloc(5))).toThrow(/ENOENT/);
  });
});
