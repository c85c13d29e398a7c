import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GANTRY, missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

const MEGABYTE = 1 << 20;
const reason = missing({ root: true });

/** Bytes that no file system and no compressor can make fewer, the same in every run. */
function noise(seed: string, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let n = 0; n * 32 < bytes; n++) parts.push(createHash("sha256").update(`${seed}${n}`).digest());
  return Buffer.concat(parts).subarray(0, bytes);
}

describe.skipIf(reason)("what is interrupted", () => {
  const store = new TestStore();
  let id = "";
  let exported = "";

  const exportDigest = (): string =>
    createHash("sha256")
      .update(store.try(["export", id]).stdout)
      .digest("hex");

  beforeAll(async () => {
    const layer = await tarOf([[{ name: "data", mtime: new Date(0) }, noise("layer", 8 * MEGABYTE)]]);
    writeFileSync(store.path("image.tar"), await dockerArchive([layer], { tag: "noise:1" }));
    store.run("load", "-i", store.path("image.tar"));
    id = store.run("create", "--network", "none", "noise:1", "x");
    // The container's own change, put where its program would have put it.
    writeFileSync(join(store.root, "containers", id, "upper", "more"), noise("more", 8 * MEGABYTE));
    exported = exportDigest();
  });
  afterAll(() => store.dispose());

  it(
    "a commit that is killed anywhere leaves no image and no file, and can be made again",
    { timeout: 300_000 },
    async () => {
      const before = store.listing();
      for (const delayMs of [30, 50, 60, 70, 80, 90, 100, 110, 120, 140, 160, 200]) {
        const child = store.start(["commit", id, "half:1"]);
        const closed = new Promise((resolve) => child.once("close", resolve));
        await sleep(delayMs);
        child.kill("SIGKILL");
        await closed;
        // Whole or not at all; either way the store is in order.
        if (store.try(["rmi", "half:1"]).status !== 0) expect(store.listing()).toEqual(before);
        expect(readdirSync(join(store.root, "tmp"))).toEqual([]);
      }
      expect(exportDigest()).toBe(exported);
      store.run("commit", id, "half:1");
      store.run("rmi", "half:1");
      expect(store.listing()).toEqual(before);
    },
  );

  it(
    "a save that is killed leaves the file that was there before, or the whole new one, and none beside it",
    { timeout: 300_000 },
    async () => {
      const target = store.path("target.tar");
      store.run("save", "-o", target, "noise:1");
      const whole = statSync(target).size;
      for (const delayMs of [40, 60, 80, 100, 120, 150]) {
        writeFileSync(target, "precious");
        const child = store.start(["save", "-o", target, "noise:1"]);
        const closed = new Promise((resolve) => child.once("close", resolve));
        await sleep(delayMs);
        child.kill("SIGKILL");
        await closed;
        expect(["precious".length, whole]).toContain(statSync(target).size);
        expect(readdirSync(store.work).filter((name) => name.startsWith("."))).toEqual([]);
      }
    },
  );

  it("a full disk is said with its numbers, and costs nothing that was there", { timeout: 300_000 }, () => {
    const disk = store.path("disk");
    mkdirSync(disk);
    const made = spawnSync("sh", ["-c", `truncate -s 12M "${disk}.img" && mkfs.ext4 -q -F -m 0 "${disk}.img"`]);
    // In a mount namespace of its own: other tests compare the host's mount table meanwhile.
    const onDisk = (...command: string[]) =>
      spawnSync("unshare", ["-m", "sh", "-c", `mount -o loop "${disk}.img" "${disk}" && exec "$@"`, "sh", ...command], {
        env: { ...process.env, GANTRY_ROOT: store.root },
      });
    if (made.status !== 0 || onDisk("true").status !== 0) {
      process.stderr.write("skipped: no loop-mounted ext4 here\n");
      return;
    }
    for (const [name, result] of Object.entries({
      load: onDisk(GANTRY, "--root", join(disk, "store"), "load", "-i", store.path("image.tar")),
      save: onDisk(GANTRY, "save", "-o", join(disk, "saved.tar"), "noise:1"),
      export: onDisk(GANTRY, "export", "-o", join(disk, "exported.tar"), id),
    })) {
      expect({ name, status: result.status, stderr: result.stderr.toString() }).toEqual({
        name,
        status: 1,
        stderr: expect.stringMatching(/space|need/i) as string,
      });
    }
    expect(onDisk("ls", "-A", disk).stdout.toString().split("\n").filter(Boolean)).toEqual(["lost+found", "store"]);
    expect(onDisk("ls", "-A", join(disk, "store", "tmp")).stdout.toString()).toBe("");
    expect(exportDigest()).toBe(exported);
  });
});
