import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { extractTree, removeTree, setXattr, walkTree } from "../../../src/bridge/index.ts";
import type { GantryError } from "../../../src/errors/index.ts";
import { buildLayerIndex, mergeChain } from "../../../src/kernels/layer.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { decodeRecords } from "./records.ts";
import { isRoot, lacksRoot, scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("extract");
const source = join(scratch, "source");
const tar = join(scratch, "layer.tar");
let index: Uint8Array;
let made = 0;
const target = (): string => join(scratch, `target${made++}`);

function indexOf(path: string): Uint8Array {
  const scanner = new TarScanner();
  scanner.push(readFileSync(path));
  return mergeChain([buildLayerIndex(scanner.finish().records)]);
}

/** Everything a walk tells but inode numbers. */
function describeTree(root: string): unknown {
  const records = decodeRecords(walkTree(root, { overlay: "none", includeRoot: true }).records);
  return records.map(({ dataOffset: _, ...record }) => record);
}

beforeAll(() => {
  mkdirSync(join(source, "bin/deep/deeper"), { recursive: true });
  writeFileSync(join(source, "bin/tool"), "#!", { mode: 0o755 });
  writeFileSync(join(source, "bin/deep/large"), Buffer.alloc(3_000_001, "large "));
  writeFileSync(join(source, "empty"), "");
  symlinkSync("../nowhere", join(source, "bin/link"));
  linkSync(join(source, "bin/tool"), join(source, "bin/deep/tool-too"));
  linkSync(join(source, "bin/tool"), join(source, "a-tool"));
  execFileSync("mkfifo", ["-m", "620", join(source, "fifo")]);
  const sparse = openSync(join(source, "sparse"), "w");
  writeSync(sparse, Buffer.alloc(4096, 1), 0, 4096, 8192);
  writeSync(sparse, Buffer.alloc(4096, 2), 0, 4096, 1 << 20);
  ftruncateSync(sparse, 2 ** 31);
  closeSync(sparse);
  writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xe9, 0xff])]), "latin1");
  setXattr(join(source, "bin/tool"), "user.note", Buffer.from([0, 1, 2]));
  setXattr(join(source, "bin"), "user.directory", Buffer.from("d"));
  if (isRoot) {
    execFileSync("mknod", ["-m", "640", join(source, "null"), "c", "1", "3"]);
    execFileSync("chown", [
      "-h",
      "1234:3000000",
      join(source, "bin/link"),
      join(source, "bin/deep"),
      join(source, "null"),
    ]);
    writeFileSync(join(source, "setuid"), "s");
    execFileSync("chown", ["7:8", join(source, "setuid")]);
    setXattr(
      join(source, "setuid"),
      "security.capability",
      Buffer.from("0100000200200000000000000000000000000000", "hex"),
    );
    setXattr(join(source, "bin/link"), "trusted.link", Buffer.from("own"));
  } else writeFileSync(join(source, "setuid"), "s");
  execFileSync("chmod", ["6751", join(source, "setuid")]);
  execFileSync("chmod", ["1777", join(source, "bin/deep")]);
  execFileSync("chmod", ["0500", join(source, "bin/deep/deeper")]);
  execFileSync("touch", [
    "-h",
    "-d",
    "1969-12-31T23:59:58.123456789Z",
    join(source, "bin/link"),
    join(source, "empty"),
  ]);
  execFileSync("touch", [
    "-d",
    "2001-02-03T04:05:06.000000007Z",
    join(source, "bin/deep"),
    join(source, "bin"),
    source,
  ]);
  execFileSync("tar", ["--format=pax", "--xattrs", "--xattrs-include=*", "-S", "-cf", tar, "-C", source, "."]);
  index = indexOf(tar);
});

describe("extractTree", () => {
  it("makes the tree that was archived: types, owners, modes, times, xattrs, links, holes", async () => {
    for (const threads of [1, 2, 5]) {
      const root = target();
      await extractTree(index, [tar], root, { threads });
      expect(describeTree(root)).toEqual(describeTree(source));
      execFileSync("diff", ["-r", "--no-dereference", "--exclude=fifo", "--exclude=null", source, root]);
      // A few blocks of 2 GiB.
      expect(statSync(join(root, "sparse")).blocks).toBeLessThan(64);
    }
  });

  it.skipIf(lacksRoot())("makes what GNU tar makes of the same archive", async () => {
    const [ours, theirs] = [target(), target()];
    mkdirSync(theirs);
    await extractTree(index, [tar], ours);
    execFileSync("tar", ["--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", tar, "-C", theirs]);
    expect(describeTree(ours)).toEqual(describeTree(theirs));
  });

  it("does not depend on the umask or on what the target's directory passes on", async () => {
    const root = target();
    mkdirSync(root, { mode: 0o2777 });
    const before = process.umask(0o077);
    await extractTree(index, [tar], root).finally(() => process.umask(before));
    expect(describeTree(root)).toEqual(describeTree(source));
    expect(process.umask(before)).toBe(before);
  });

  it("refuses a target that is not empty, or a link", async () => {
    const root = target();
    mkdirSync(join(root, "x"), { recursive: true });
    await expect(extractTree(index, [tar], root)).rejects.toThrow(/ENOTEMPTY/);
    const link = target();
    symlinkSync(join(root, "x"), link);
    await expect(extractTree(index, [tar], link)).rejects.toThrow(/ELOOP|ENOTDIR/);
    expect(readdirSync(join(root, "x"))).toEqual([]);
  });

  it("refuses an index that asks for more than the layer's tar has", async () => {
    const short = join(scratch, "short.tar");
    writeFileSync(short, readFileSync(tar).subarray(0, 100_000));
    const refused = { code: "LAYER_INDEX_INVALID" };
    await expect(extractTree(index, [short], target())).rejects.toMatchObject(refused);
    await expect(extractTree(index, [], target())).rejects.toMatchObject(refused);
  });

  it("says which tar is missing", async () => {
    const details = { step: "open", name: "ENOENT", path: "/no/layer.tar" };
    await expect(extractTree(index, ["/no/layer.tar"], target())).rejects.toMatchObject({ details });
  });

  it.skipIf(lacksRoot())("names the path within the target when a step fails", async () => {
    // /proc cannot hold files: the first directory fails.
    await expect(extractTree(index, [tar], "/proc/gantry-test")).rejects.toMatchObject({
      details: { step: "mkdir", path: "/proc/gantry-test" },
    });
  });

  it("can be cancelled", async () => {
    let code: unknown;
    // The tree is small: on a busy machine an extraction may have ended before it is told to stop.
    for (let attempt = 0; attempt < 50 && code === undefined; attempt++) {
      const cancel = new AbortController();
      const extracting = extractTree(index, [tar], target(), { signal: cancel.signal });
      cancel.abort();
      code = await extracting.catch((error: unknown) => (error as GantryError).code);
    }
    expect(code).toBe("CANCELLED");
  });

  it("survives any byte of the index altered, and never leaves the target", { timeout: 120_000 }, async () => {
    const cell = join(scratch, "cell");
    mkdirSync(cell);
    // The index holds a 2 GiB sparse file; its size must not be altered into terabytes that some file system allocates.
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const outcomes = { made: 0, refused: 0, failed: 0 };
    for (let round = 0; round < 400; round++) {
      const altered = index.slice();
      for (let n = 1 + random(3); n > 0; n--) altered[random(altered.length)] = random(256);
      const root = join(cell, "target");
      try {
        await extractTree(altered, [tar], root);
        outcomes.made++;
      } catch (error) {
        const { code } = error as { code: string };
        expect(["LAYER_INDEX_INVALID", "SYSTEM_CALL_FAILED", "PERMISSION", "NO_SPACE"]).toContain(code);
        outcomes[code === "LAYER_INDEX_INVALID" ? "refused" : "failed"]++;
      }
      expect(readdirSync(cell).filter((name) => name !== "target")).toEqual([]);
      await removeTree(root);
      expect(existsSync(root)).toBe(false);
    }
    expect(outcomes.made).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
  });
});
