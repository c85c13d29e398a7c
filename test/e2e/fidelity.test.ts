import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setXattr } from "../../src/bridge/index.ts";
import { BUSYBOX, cannotRunBusybox } from "../tools/busybox.ts";
import { missing, TestStore, treeOf } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

const reason = cannotRunBusybox() ?? missing({ tools: ["python3", "tar", "touch", "mknod"] });
const hex = (text: string): Buffer => Buffer.from(text, "hex");
const LONG = "n".repeat(200);

/** A tree with one of everything that a tar of a root file system can hold and is easily lost. */
async function makeTree(root: string): Promise<Server> {
  const at = (name: string): string => join(root, name);
  mkdirSync(at("a/b"), { recursive: true });
  writeFileSync(at("ids"), "x");
  chownSync(at("ids"), 3_000_000, 4_000_000_000);
  chmodSync(at("ids"), 0o6755);
  writeFileSync(at("before-1970"), "x");
  execFileSync("touch", ["-d", "1969-01-01 00:00:00.123456789 UTC", at("before-1970")]);
  writeFileSync(at("nanoseconds"), "x");
  execFileSync("touch", ["-d", "2023-01-01 00:00:00.987654321 UTC", at("nanoseconds")]);
  writeFileSync(at("a/linked"), "x");
  linkSync(at("a/linked"), at("a/b/linked too"));
  linkSync(at("a/linked"), at("z"));
  execFileSync("mknod", [at("character"), "c", "4095", "1048575"]);
  execFileSync("mknod", [at("block"), "b", "259", "70000"]);
  execFileSync("mkfifo", ["-m", "620", at("pipe")]);
  mkdirSync(at("sticky"));
  chmodSync(at("sticky"), 0o1777);
  setXattr(at("ids"), "user.note", Buffer.from("hello"));
  setXattr(at("ids"), "trusted.binary", hex("00ff3d0a"));
  setXattr(at("ids"), "user.a=b%3D", Buffer.from("x"));
  writeFileSync(at("capability-2"), "x");
  setXattr(at("capability-2"), "security.capability", hex("0100000200200000000000000000000000000000"));
  writeFileSync(at("capability-3"), "x");
  setXattr(at("capability-3"), "security.capability", hex("010000030020000000000000000000000000000001000000"));
  const acl = "02000000" + "01000700ffffffff" + "02000700e8030000" + "04000500ffffffff" + "0800040032000000";
  setXattr(at("a"), "system.posix_acl_access", hex(`${acl}10000700ffffffff20000500ffffffff`));
  setXattr(at("a"), "system.posix_acl_default", hex(`${acl}10000700ffffffff20000500ffffffff`));
  mkdirSync(at(`${LONG}/${LONG}`), { recursive: true });
  writeFileSync(at(`${LONG}/${LONG}/${LONG}`), "long");
  symlinkSync(`${LONG}/${LONG}/${LONG}`, at("long link"));
  writeFileSync(Buffer.concat([Buffer.from(at("no text ")), hex("fffe0a")]), "x");
  symlinkSync(hex("78ff"), at("link to no text"));
  return listening(at("socket"));
}

async function listening(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return server;
}

const RULES = ["--nanoseconds", "--links", "--rules", "fixture"] as const;

describe.skipIf(reason)("nothing that a tree holds is lost", () => {
  const store = new TestStore();
  const source = store.path("source");
  let socket: Server;
  let wanted: string[];

  beforeAll(async () => {
    mkdirSync(join(source, "bin"), { recursive: true });
    copyFileSync(BUSYBOX, join(source, "bin/busybox"));
    socket = await makeTree(source);
    wanted = treeOf("dir", source, ...RULES);
  }, 60_000);
  afterAll(() => {
    socket.close();
    store.dispose();
  });

  async function load(tag: string, layer: Buffer): Promise<void> {
    writeFileSync(store.path("image.tar"), await dockerArchive([layer], { tag }));
    store.run("load", "-q", "-i", store.path("image.tar"));
  }

  /** Starts a container and calls `use` with its id and its root as the host sees it. */
  async function running(image: string, driver: string, use: (id: string, root: string) => unknown): Promise<void> {
    const env = { GANTRY_SNAPSHOTTER: driver };
    const { stdout, stderr } = store.try(["run", "-d", "--network", "none", image, "/bin/busybox", "sleep", "1000"], {
      env,
    });
    const id = stdout.toString().trim();
    expect(id, stderr.toString()).toMatch(/^[0-9a-f]{64}$/);
    try {
      await use(id, `/proc/${store.run("inspect", "-f", "{{.State.Pid}}", id)}/root/`);
    } finally {
      store.run("rm", "-f", id);
    }
  }

  /** The tree of an export as GNU tar unpacks it. */
  function unpacked(id: string): string[] {
    const target = store.path("unpacked");
    mkdirSync(target);
    try {
      const input = store.try(["export", id]).stdout;
      execFileSync("tar", ["-xpf", "-", "-C", target, "--numeric-owner", "--xattrs", "--xattrs-include=*"], {
        input,
        stdio: ["pipe", "pipe", "ignore"],
      });
      return treeOf("dir", target, ...RULES);
    } finally {
      rmSync(target, { recursive: true });
    }
  }

  const archive = (tool: string, ...args: string[]): Buffer =>
    spawnSync(tool, [...args, "--numeric-owner", "-cf", "-", "-C", source, "."], { maxBuffer: 1 << 30 }).stdout;

  describe.each([
    ["GNU tar, pax", "tar", ["--format=posix", "--acls", "--xattrs", "--xattrs-include=*"]],
    ["libarchive, pax", "bsdtar", ["--format=pax", "--acls", "--xattrs"]],
  ])("of a layer by %s", (_, tool, args) => {
    const lacking = missing({ tools: [tool] });
    // libarchive 3.6 writes -0.5 s as "-1.5": its own mistake, which GNU tar reads as we do.
    const kept = (tree: string[]): string[] => tree.filter((line) => tool === "tar" || !line.includes("before-1970"));

    it.skipIf(lacking).each(["erofs", "unpack"])("in a container (%s) and in its export", async (driver) => {
      await load(`${tool}:1`, archive(tool, ...args));
      await running(`${tool}:1`, driver, (id, root) => {
        expect(kept(treeOf("dir", root, ...RULES))).toEqual(kept(wanted));
        expect(kept(unpacked(id))).toEqual(kept(wanted));
      });
    });
  });

  it("in a commit, but for sockets, which are named", async () => {
    const only = await tarOf([[{ name: "bin/busybox", mode: 0o755 }, readFileSync(BUSYBOX)]]);
    await load("plain:1", only);
    await running("plain:1", "erofs", async (id, root) => {
      const input = archive("tar", "--format=posix", "--acls", "--xattrs", "--xattrs-include=*");
      execFileSync("tar", ["-xpf", "-", "-C", root, "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*"], {
        input,
        stdio: ["pipe", "pipe", "ignore"],
      });
      const server = await listening(join(root, "a/socket"));
      const committed = store.try(["commit", id, "committed:1"]);
      server.close();
      expect(committed.stderr.toString()).toMatch(/a\/socket is a socket/);
    });
    await running("committed:1", "erofs", (id, root) => {
      expect(treeOf("dir", root, ...RULES)).toEqual(wanted);
      expect(unpacked(id)).toEqual(wanted);
    });
  });
});
