import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type WrittenTree, writeTree } from "../../../src/archive/tree-writer.ts";
import { walkTree } from "../../../src/bridge/index.ts";
import { SILENT_REPORTER } from "../../../src/events/progress.ts";
import { buildLayerIndex } from "../../../src/kernels/layer.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { LayerIndex } from "../../../src/layer/layer-index.ts";

const directory = mkdtempSync(join(tmpdir(), "gantry-tree-writer-"));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Some thousand files of all sizes around the edges of what is read ahead, in directories and between them. */
function makeTree(name: string): string {
  const root = join(directory, name);
  for (let i = 0; i < 1500; i++) {
    const parent = join(root, i % 7 === 0 ? "." : `d${i % 50}/e${i % 3}`);
    mkdirSync(parent, { recursive: true });
    const bytes = [0, 1, 511, 512, 700, 4096, i % 100 === 5 ? 65_536 : 90, i % 100 === 6 ? 65_537 : 80][i % 8]!;
    writeFileSync(join(parent, `f${i}`), Buffer.alloc(bytes, `${i} `));
  }
  writeFileSync(join(root, "large"), Buffer.alloc(3_000_000, "large "));
  return root;
}

async function tarOf(root: string, change: () => void = () => undefined) {
  const index = new LayerIndex(buildLayerIndex(walkTree(root).records));
  change();
  const file = join(directory, "tar");
  const fd = openSync(file, "w");
  let made: Uint8Array | undefined;
  let written: WrittenTree;
  try {
    written = await writeTree(index, [{ type: "directory", path: root }], fd, SILENT_REPORTER, {
      onIndex: (bytes) => (made = bytes),
    });
  } finally {
    closeSync(fd);
  }
  const tar = readFileSync(file);
  const scanner = new TarScanner();
  scanner.push(tar);
  const scanned = buildLayerIndex(scanner.finish().records);
  return { tar, written, index: new LayerIndex(scanned), isSame: Buffer.from(made ?? []).equals(scanned) };
}

const contentAt = (tar: Buffer, index: LayerIndex, path: string): Buffer => {
  let node: number | undefined = 0;
  for (const name of path.split("/")) node = node === undefined ? undefined : index.child(node, Buffer.from(name));
  const inode = index.inodeOf(node!)!;
  return tar.subarray(index.dataOffsetOf(inode), index.dataOffsetOf(inode) + index.sizeOf(inode));
};

describe("writeTree of a directory", () => {
  it("has every file's bytes, small ones and large ones, and its index is that of a scan", async () => {
    const root = makeTree("whole");
    const { tar, index, isSame, written } = await tarOf(root);
    expect([isSame, written.changedWhileRead, written.tarBytes]).toEqual([true, [], tar.length]);
    for (let node = 0; node < index.nodeCount; node++) {
      const inode = index.inodeOf(node);
      if (inode === undefined || !index.isRegular(inode)) continue;
      const path = index.pathOf(node).toString();
      expect(contentAt(tar, index, path).equals(readFileSync(join(root, path))), path).toBe(true);
    }
  });

  it("fills up files that shrank or went since the walk with zeros, says which, and keeps the others", async () => {
    const root = makeTree("changing");
    const { tar, index, isSame, written } = await tarOf(root, () => {
      truncateSync(join(root, "d4/e1/f4"), 100);
      rmSync(join(root, "d10/e1/f10"));
      rmSync(join(root, "f14"));
      symlinkSync("/etc/passwd", join(root, "f14"));
      rmSync(join(root, "d20/e2"), { recursive: true });
    });
    expect(isSame).toBe(true);
    expect(written.changedWhileRead).toEqual(expect.arrayContaining(["d4/e1/f4", "d10/e1/f10", "f14", "d20/e2/f20"]));
    const short = contentAt(tar, index, "d4/e1/f4");
    expect(short.equals(Buffer.concat([Buffer.alloc(100, "4 "), Buffer.alloc(600)]))).toBe(true);
    expect(contentAt(tar, index, "f14").every((byte) => byte === 0)).toBe(true);
    expect(contentAt(tar, index, "d12/e0/f12").equals(readFileSync(join(root, "d12/e0/f12")))).toBe(true);
  });
});
