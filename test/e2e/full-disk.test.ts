import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GANTRY, missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive, sha256, tarOf } from "../tools/make-archive.ts";

const MEGABYTE = 1 << 20;
const reason = missing({ root: true, tools: ["mkfs.ext4", "unshare"] });

/** Bytes that no file system and no compressor can make fewer. */
const noise = (seed: number, size: number): Buffer =>
  createCipheriv("aes-256-ctr", Buffer.alloc(32, seed), Buffer.alloc(16)).update(Buffer.alloc(size));

describe.skipIf(reason)("on a full disk", { timeout: 120_000 }, () => {
  const files = new TestStore();
  const disk = files.path("disk");
  const image = (name: string): string => files.path(`${name}.tar`);
  let mounts = true;

  /** Runs shell lines on a fresh disk of so many MiB, mounted in a mount namespace of their own; `$G` is gantry. */
  const onDisk = (sizeMegabytes: number, ...lines: string[]): SpawnSyncReturns<Buffer> => {
    const script = [
      `truncate -s ${sizeMegabytes}M "$D.img" && mkfs.ext4 -q -F -m 0 "$D.img" && mount -o loop "$D.img" "$D" || exit 99`,
      'fill() { cat /dev/zero > "$D/filler" 2>/dev/null; sync -f "$D"; cat /dev/zero > "$D/filler2" 2>/dev/null; for n in $(seq 20); do echo x > "$D/f$n"; done 2>/dev/null; }',
      ...lines,
    ].join("\n");
    return spawnSync("unshare", ["-m", "bash", "-c", script], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "", D: disk, G: GANTRY, GANTRY_ROOT: join(disk, "store") },
    });
  };
  const lines = (result: SpawnSyncReturns<Buffer>): string[] => result.stdout.toString().trimEnd().split("\n");

  beforeAll(async () => {
    mkdirSync(disk);
    const layers = await Promise.all([1, 2].map((seed) => tarOf([[{ name: `f${seed}` }, noise(seed, 3 * MEGABYTE)]])));
    writeFileSync(image("small"), await dockerArchive(layers.slice(0, 1), { tag: "small:1" }));
    writeFileSync(image("other"), await dockerArchive(layers.slice(1), { tag: "other:1" }));
    const large = await tarOf([[{ name: "large" }, noise(3, 40 * MEGABYTE)]]);
    writeFileSync(image("large"), await dockerArchive([large], { tag: "large:1" }));
    // Compressed it fits, and nobody knows what comes out of it.
    const zeros = await tarOf([[{ name: "zeros" }, Buffer.alloc(56 * MEGABYTE)]]);
    writeFileSync(image("bomb"), await dockerArchive([gzipSync(zeros)], { tag: "bomb:1", diffIds: [sha256(zeros)] }));
    writeFileSync(files.path("large-tree.tar"), large);
    mounts = onDisk(8, "true").status === 0;
    if (!mounts) process.stderr.write("skipped: no loop-mounted ext4 here\n");
  });
  afterAll(() => files.dispose());

  it("a load that cannot fit is refused before its first byte, with needed, free and where", ({ skip }) => {
    if (!mounts) skip();
    const result = onDisk(
      40,
      `"$G" load -q -i ${image("large")}; echo $?`,
      'ls -A "$D/store/tmp"; "$G" system fsck -q',
    );
    expect(lines(result)).toEqual(["1"]);
    expect(result.stderr.toString()).toMatch(/needs 41\.9 MB in .*\/store, where \d+\.\d MB are free/);
  });

  it.each([
    ["a load from a pipe", 'cat LARGE | "$G" load -q'],
    ["a load of layers that grow when they are decompressed", '"$G" load -q -i BOMB'],
    ["an import from a pipe", 'cat TREE | "$G" import -'],
    ["an import of a file", '"$G" import TREE'],
    ["a save into a file", `"$G" --root FULL save -o "$D/out.tar" large:1`],
  ])("%s says so, leaves nothing behind, and the store works on", (_, command) => {
    if (!mounts) return;
    if (command.includes("FULL")) files.run("load", "-q", "-i", image("large"));
    const line = command
      .replace("LARGE", image("large"))
      .replace("BOMB", image("bomb"))
      .replace("TREE", files.path("large-tree.tar"))
      .replace("FULL", files.root);
    const result = onDisk(
      60,
      `"$G" load -q -i ${image("small")}`,
      'dd if=/dev/zero of="$D/filler" bs=1M count=20 2>/dev/null',
      `${line} > /dev/null; echo "status $?"`,
      'ls -A "$D" "$D/store/tmp" | grep -v filler',
      '"$G" system fsck --deep -q; echo "fsck $?"',
      `"$G" load -q -i ${image("other")}`,
      '"$G" images --format "{{.Repository}}"',
    );
    expect(result.stderr.toString()).toMatch(/space left|needs \d+\.\d MB in/);
    expect(lines(result).filter((text) => !/^(?:lost\+found|store|Loaded.*|\/.*|)$/.test(text))).toEqual([
      "status 1",
      "fsck 0",
      "small",
      "other",
    ]);
  });

  it("without one free block, images, containers and names can be removed, and then there is space again", ({
    skip,
  }) => {
    if (!mounts) skip();
    const result = onDisk(
      40,
      `"$G" load -q -i ${image("small")} > /dev/null; "$G" load -q -i ${image("other")} > /dev/null`,
      '"$G" tag small:1 second:1; "$G" create --name box --network none other:1 x > /dev/null',
      "fill; fill",
      'df --output=avail "$D" | tail -1 | tr -d " "',
      '"$G" images -q | wc -l',
      '"$G" tag small:1 third:1; echo "tag $?"',
      '"$G" rmi second:1 > /dev/null; echo "untag $?"',
      '"$G" rm box > /dev/null; echo "rm $?"',
      '"$G" rmi small:1 > /dev/null; echo "rmi $?"',
      `"$G" rmi other:1 > /dev/null; echo "rmi $?"`,
      '"$G" system fsck --deep -q; echo "fsck $?"',
      'ls "$D/store/blobs/sha256" "$D/store/layers" "$D/store/tmp" | grep -v : | grep -c .',
    );
    expect({ out: lines(result), err: result.stderr.toString() }).toEqual({
      out: ["0", "3", "tag 1", "untag 0", "rm 0", "rmi 0", "rmi 0", "fsck 0", "0"],
      err: expect.stringMatching(
        /^gantry: no space left while writing .*\/store[^\n]*\nFree some space[^\n]*\n$/,
      ) as string,
    });
  });

  it("commit, export and cp fail for want of space, say so, and leave nothing", ({ skip }) => {
    if (!mounts) skip();
    const result = onDisk(
      40,
      `"$G" load -q -i ${image("small")} > /dev/null; "$G" create --name box --network none small:1 x > /dev/null`,
      `head -c 6M /dev/zero | tr "\\0" x > "${disk}.data"; "$G" cp "${disk}.data" box:/data; echo "cp $?"`,
      "fill; fill",
      'seen() { (cd "$D" && find . -type f -o -type d | sort | sha256sum); }',
      'before=$(seen); check() { test "$(seen)" = "$before" && echo nothing; }',
      '"$G" commit box made:1 > /dev/null; echo "commit $?"; check',
      '"$G" export -o "$D/out.tar" box; echo "export $?"; check',
      `"$G" cp "${disk}.data" box:/more; echo "cp in $?"; check`,
      `tar cf - -C "${disk}/.." "$(basename "${disk}.data")" | "$G" cp - box:/; echo "tar in $?"; check`,
      '"$G" cp box:/data "$D/copied"; echo "cp out $?"; check',
      'rm -f "$D"/filler* "$D"/f[0-9]*; "$G" system fsck --deep -q; echo "fsck $?"',
      `rm -f "${disk}.data"`,
    );
    const out = ["commit", "export", "cp in", "tar in", "cp out"].flatMap((what) => [`${what} 1`, "nothing"]);
    const err = result.stderr.toString();
    expect({ out: lines(result), err }).toEqual({
      out: ["cp 0", ...out, "fsck 0"],
      err: expect.stringMatching(
        /^(?:gantry: [^\n]*(?:needs 6\.\d MB in|needs 9\.\d MB in|no space left)[^\n]*\nFree [^\n]*\n){5}$/,
      ) as string,
    });
  });
});
