import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setXattr } from "../../src/bridge/index.ts";
import { openStore } from "../../src/store/open-store.ts";
import { findContainer } from "../../src/runtime/find-container.ts";
import { readContainerRecord } from "../../src/runtime/container-record.ts";
import { openContainerRoot } from "../../src/runtime/container-root.ts";
import { SILENT_REPORTER } from "../../src/events/progress.ts";
import { copyPath } from "../../src/engine/copy-path.ts";
import { copyArchiveOut } from "../../src/engine/copy-archive-out.ts";
import { fixture, GANTRY, missing, TestStore, treeOf } from "../tools/gantry.ts";
import { tarOf } from "../tools/make-archive.ts";

const skip = missing({ root: true, tools: ["tar"], fixtures: ["busybox-docker20.tar"] });

describe.skipIf(skip)("cp", () => {
  const store = new TestStore();
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const here = (name: string): string => store.path(name);
  const cp = (...args: string[]): { status: number | null; says: string } => {
    const { status, stderr } = store.try(["cp", ...args]);
    return { status, says: stderr.toString() };
  };
  const streamIn = (tar: Buffer, to: string): { status: number | null; says: string } => {
    const { status, stderr } = store.try(["cp", "-", to], { input: tar });
    return { status, says: stderr.toString() };
  };
  const ok = { status: 0, says: "" };
  const tarFrom = (from: string, ...flags: string[]): Buffer => store.try(["cp", ...flags, from, "-"]).stdout;
  /** The content of a file in a container. */
  const content = (path: string): string => {
    const { stdout } = spawnSync("tar", ["xOf", "-"], { input: tarFrom(path, "-L") });
    return stdout.toString();
  };
  const names = (path: string): string[] =>
    spawnSync("tar", ["tf", "-"], { input: tarFrom(path) })
      .stdout.toString()
      .split("\n")
      .filter(Boolean);
  const upperOf = (container: string): string =>
    join(store.root, "containers", store.run("inspect", "-f", "{{.Id}}", container), "upper");

  beforeAll(() => {
    store.run("load", "-i", fixture("busybox-docker20.tar") as string);
    store.run("create", "--name", "stopped", "busybox", "sleep", "1000");
    store.run("run", "-d", "--name", "live", "busybox", "sleep", "1000");
    mkdirSync(here("src/sub"), { recursive: true });
    writeFileSync(here("src/f"), "hello\n");
    writeFileSync(here("src/sub/g"), "sub\n");
    symlinkSync("f", here("src/link"));
    symlinkSync("src", here("dirlink"));
    writeFileSync(here("a:b"), "colon\n");
  });
  afterAll(() => {
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
    store.dispose();
  });

  describe.each(["stopped", "live"])("with a %s container", (container) => {
    const inside = (path: string): string => `${container}:${path}`;

    it("carries all that a file is, both ways", () => {
      const tree = here(`tree-${container}`);
      makeTree(tree);
      expect(cp("-a", tree, inside("/tree")).says).toContain("is a socket, which cannot be copied");
      expect(cp("-a", inside("/tree"), `${tree}-back`)).toEqual(ok);
      const options = ["--nanoseconds", "--links", "--times", "all"];
      const before = treeOf("dir", tree, ...options);
      expect(treeOf("dir", `${tree}-back`, ...options)).toEqual(before.filter((line) => !line.includes('"sock"')));
      expect(statSync(`${tree}-back/sparse`).blocks * 512).toBeLessThan(1 << 20);
      expect(statSync(join(upperOf(container), "tree/sparse")).blocks * 512).toBeLessThan(1 << 20);
    });

    it("puts files where Docker puts them", () => {
      const rules: [args: string[], path: string, gives: string][] = [
        [["src/f", "/r/new"], "/r/new", "hello\n"],
        [["src/sub/g", "/r/new"], "/r/new", "sub\n"],
        [["src/f", "/r"], "/r/f", "hello\n"],
        [["./a:b", "/r/"], "/r/a:b", "colon\n"],
        [["src/f", "r/relative"], "/r/relative", "hello\n"],
        [["src", "/r/d1"], "/r/d1/sub/g", "sub\n"],
        [["src", "/r/d1"], "/r/d1/src/sub/g", "sub\n"],
        [["src/.", "/r/d1"], "/r/d1/f", "hello\n"],
        [["src/.", "/r/d2"], "/r/d2/f", "hello\n"],
        [["dirlink/", "/r/d3"], "/r/d3/f", "hello\n"],
        [["-L", "src/link", "/r/followed"], "/r/followed", "hello\n"],
        [["src/link", "/r/d2/kept"], "/r/d2/kept", "hello\n"],
        [["src/sub/g", "/r/d2/link"], "/r/d2/f", "sub\n"],
      ];
      expect(streamIn(DIRECTORY_R, inside("/"))).toEqual(ok);
      for (const [args, path, gives] of rules) {
        const local = args.map((arg, n) =>
          n === args.length - 1 ? inside(arg) : arg.startsWith("-") || arg.startsWith(".") ? arg : here(arg),
        );
        const result = store.try(["cp", ...local.map((arg) => (arg === "./a:b" ? here("a:b") : arg))]);
        expect([args, result.stderr.toString(), result.status]).toEqual([args, "", 0]);
        expect([args, content(inside(path))]).toEqual([args, gives]);
      }
      expect(names(inside("/r/d2"))).toEqual(["d2/", "d2/f", "d2/kept", "d2/link", "d2/sub/", "d2/sub/g"]);
      const out = here(`out-${container}`);
      expect(cp(inside("/r/d2"), out)).toEqual(ok);
      expect(cp(inside("/r/d2"), out)).toEqual(ok);
      expect(cp(inside("/r/d2/."), out)).toEqual(ok);
      expect(cp("-L", inside("/r/d2/link"), join(out, "real"))).toEqual(ok);
      expect(readdirSync(out)).toEqual(["d2", "f", "kept", "link", "real", "sub"]);
      expect(readlinkSync(join(out, "d2/link"))).toBe("f");
      expect(lstatSync(join(out, "real")).isFile()).toBe(true);
    });

    it("refuses what does not fit, in Docker's words", () => {
      const f = here("src/f");
      expect(streamIn(DIRECTORY_R, inside("/"))).toEqual(ok);
      expect(cp(f, inside("/r/one"))).toEqual(ok);
      const refusals: [args: string[], says: string][] = [
        [[f, inside("/nodir/")], "no such directory"],
        [[f, inside("/nodir/x")], `Could not find the file /nodir in container ${container}`],
        [[here("src"), inside("/r/one")], "cannot copy directory"],
        [[here("nosuch"), inside("/r")], "nosuch: no such file or directory"],
        [[`${f}/`, inside("/r")], "not a directory"],
        [["-L", here("dangling"), inside("/r")], "no such file or directory"],
        [[inside("/nosuch"), here(".")], `Could not find the file /nosuch in container ${container}`],
        [[inside("/r/one"), here("nodir/x")], `directory "${here("nodir")}" does not exist`],
        [[inside("/r/one"), here("nodir/")], "no such directory"],
        [[inside("/r/one/"), here(".")], "not a directory"],
        [[inside("/r/one"), "/dev/null"], "must be a directory or a regular file: got a device"],
        [[inside("/r"), inside("/s")], "copying between containers is not supported"],
        [[f, here("g")], "must specify at least one container source"],
        [[f, "nosuch:/x"], "No such container: nosuch"],
        [["", inside("/r")], "source can not be empty"],
        [[inside(""), here(".")], "must not be empty"],
      ];
      for (const [args, says] of refusals) {
        const result = cp(...args);
        expect([args, result.says]).toEqual([args, expect.stringContaining(says)]);
        expect([args, result.status]).toEqual([args, 1]);
      }
      expect(streamIn(DIRECTORY_R, inside("/r/one")).says).toContain(`"${inside("/r/one")}" must be a directory`);
    });

    it("unpacks a tar stream, compressed or not, in the order of its entries", async () => {
      const tar = await tarOf([
        [{ name: "s/a", uid: 7, gid: 8, mode: 0o4751, mtime: new Date(1e9) }, "first"],
        [{ name: "s/a", uid: 7, gid: 8, mode: 0o4751, mtime: new Date(1e9) }, "second"],
        [{ name: "s/deep/er/file" }, "x".repeat(100_000)],
        [{ name: "s/hard", type: "link", linkname: "s/a" }],
        [{ name: "s/.wh.x" }, "no deletion"],
        [{ name: "s", type: "directory", mode: 0o1750, mtime: new Date(2e9) }],
      ]);
      expect(streamIn(tar, inside("/tmp"))).toEqual(ok);
      expect(streamIn(gzipSync(tar), inside("/"))).toEqual(ok);
      const seen = treeOf("tar", tarFrom(inside("/tmp/s"), "-a"), "--times", "all").map(
        (line) => JSON.parse(line) as object,
      );
      expect(seen).toContainEqual(expect.objectContaining({ p: "s/a", u: 7, g: 8, mode: 0o4751, s: 6, m: 1e6 }));
      expect(seen).toContainEqual(expect.objectContaining({ p: "s", mode: 0o1750, m: 2e6 }));
      expect(content(inside("/s/a"))).toBe("second");
      expect(content(inside("/s/deep/er/file"))).toHaveLength(100_000);
      expect(existsSync(join(upperOf(container), "s/.wh.x"))).toBe(true);
      expect(streamIn(Buffer.alloc(0), inside("/tmp"))).toEqual(ok);
    });

    it("is led nowhere but into the container by an archive", async () => {
      const victim = mkdtempSync(here("victim-"));
      writeFileSync(join(victim, "secret"), "host");
      const hostile: [says: string, tar: Buffer][] = [
        ["is outside of", await tarOf([[{ name: "../../../../../../../evil" }, "x"]])],
        ["is outside of", await tarOf([[{ name: "a/../../evil" }, "x"]])],
        ["is outside of", await tarOf([[{ name: "h", type: "link", linkname: `../../..${victim}/secret` }]])],
        ["", await tarOf([[{ name: `/${victim}/absolute` }, "x"]])],
        ["", await tarOf([[{ name: "up", type: "symlink", linkname: `../../../../..${victim}` }]])],
        ["", await tarOf([[{ name: "up/planted" }, "x"]])],
        [
          "",
          await tarOf([
            [{ name: "abs", type: "symlink", linkname: "/abs-target" }],
            [{ name: "abs-target", type: "directory" }],
          ]),
        ],
        ["", await tarOf([[{ name: "etclink", type: "symlink", linkname: "/etc" }], [{ name: "etclink/made" }, "x"]])],
        ["cannot overwrite", await tarOf([[{ name: "etclink", type: "directory" }]])],
        ["cannot overwrite", await tarOf([[{ name: "tmp" }, "x"]])],
      ];
      for (const [says, tar] of hostile) {
        const result = streamIn(tar, inside("/"));
        expect(result.says).toMatch(new RegExp(says));
        expect(result.status).toBe(says === "" ? 0 : 1);
      }
      expect(existsSync(join(upperOf(container), "etc/made"))).toBe(true);
      expect(existsSync(join(upperOf(container), victim, "planted"))).toBe(true);
      expect(readdirSync(victim)).toEqual(["secret"]);
      expect(existsSync("/evil")).toBe(false);
    });
  });

  it("gives files to root, to who copies, or with -a to whom they belong", () => {
    writeFileSync(here("owned"), "x");
    chownSync(here("owned"), 1234, 4321);
    chmodSync(here("owned"), 0o6755);
    const seen = (path: string): unknown => JSON.parse(treeOf("tar", tarFrom(path))[0] as string);
    expect(cp(here("owned"), "stopped:/tmp/owned")).toEqual(ok);
    expect(seen("stopped:/tmp/owned")).toMatchObject({ u: 0, g: 0, mode: 0o755 });
    expect(cp("-a", here("owned"), "stopped:/tmp/owned")).toEqual(ok);
    expect(seen("stopped:/tmp/owned")).toMatchObject({ u: 1234, g: 4321, mode: 0o6755 });
    expect(cp("stopped:/tmp/owned", here("mine"))).toEqual(ok);
    expect(cp("--archive", "stopped:/tmp/owned", here("theirs"))).toEqual(ok);
    expect(statSync(here("mine"))).toMatchObject({ uid: process.getuid?.(), mode: 0o100755 });
    expect(statSync(here("theirs"))).toMatchObject({ uid: 1234, gid: 4321, mode: 0o106755 });
  });

  it("copies a tree's links out as links, and goes through none that is there", async () => {
    const victim = mkdtempSync(here("victim-"));
    const link = await tarOf([
      [{ name: "t", type: "directory" }],
      [{ name: "t/way", type: "symlink", linkname: victim }],
    ]);
    expect(streamIn(link, "stopped:/tmp")).toEqual(ok);
    expect(cp("stopped:/tmp/t", here("taken"))).toEqual(ok);
    expect(readlinkSync(here("taken/way"))).toBe(victim);
    const through = await tarOf([[{ name: "t", type: "directory" }], [{ name: "t/way/planted" }, "x"]]);
    expect(streamIn(through, "live:/tmp")).toEqual(ok);
    expect(cp("live:/tmp/t/.", here("taken"))).toMatchObject({
      status: 1,
      says: expect.stringContaining("cannot overwrite non-directory") as string,
    });
    expect(readdirSync(victim)).toEqual([]);
  });

  it("streams the same tar from a stopped container's indexes as from its mounted root", async () => {
    const id = store.run("run", "-d", "--name", "changed", "busybox", "sh", "-c", CHANGES);
    expect(store.run("wait", "changed")).toBe("0");
    const upper = join(store.root, "containers", id, "upper");
    setXattr(join(upper, "top/sub/f"), "user.note", Buffer.from("kept"));
    const opened = openStore(store.root);
    const paths = findContainer(opened.layout, "changed");
    const record = readContainerRecord(paths);
    const places = ["/", "/.", "/top", "/top/", "/top/.", "/link", "/link/", "/link/sub", "/top/sub", "/bin", "/etc"];
    for (const place of [
      ...places,
      "/tmp",
      "/only/new",
      "/root",
      "/root/deep",
      "/bin/wc",
      "/etc/group",
      "/top/sub/f",
    ]) {
      const mounted = await openContainerRoot(opened, record, paths, SILENT_REPORTER, { write: false });
      const file = here("mounted.tar");
      const fd = openSync(file, "w");
      const side = {
        root: mounted.fd,
        at: copyPath(place, "/"),
        shown: place,
        missing: (path: string) => new Error(path) as never,
      };
      await copyArchiveOut(side, fd, { followLink: false, leaves: [] }, SILENT_REPORTER);
      closeSync(fd);
      mounted.close();
      const [fromIndexes, fromRoot] = [tarFrom(`changed:${place}`), readFileSync(file)];
      if (fromIndexes.equals(fromRoot)) continue;
      const options = ["--nanoseconds", "--links", "--times", "all"];
      expect(treeOf("tar", fromIndexes, ...options), place).toEqual(treeOf("tar", fromRoot, ...options));
      expect.fail(`${place}: the same tree, but other bytes`);
    }
    expect(names("changed:/root")).toEqual(["root/", "root/deep/", "root/deep/file"]);
    expect(names("changed:/link/.")).toEqual(names("changed:/top/."));
  });

  it("reads and writes what is mounted in a running container", () => {
    expect(cp(here("src"), "live:/dev/shm/")).toEqual(ok);
    expect(content("live:/dev/shm/src/f")).toBe("hello\n");
    expect(existsSync(join(upperOf("live"), "dev/shm/src"))).toBe(false);
    expect(cp(here("src/f"), "live:/etc/hosts")).toEqual(ok);
    expect(content("live:/etc/hosts")).toBe("hello\n");
    expect(content("live:/proc/self/root/etc/passwd")).toBe("");
    expect(names("live:/").filter((name) => /^(\.\/)?(proc|sys|dev)\/./.test(name))).toEqual([]);
    expect(names("live:/")[0]).toBe("./");
  });

  it("leaves a read-only root as it is", () => {
    store.run("create", "--name", "fixed", "--read-only", "busybox", "true");
    expect(cp(here("src/f"), "fixed:/tmp")).toMatchObject({
      status: 1,
      says: expect.stringContaining("container rootfs is marked read-only") as string,
    });
    expect(streamIn(DIRECTORY_R, "fixed:/tmp").says).toContain("read-only");
    expect(cp("fixed:/etc/passwd", here("passwd"))).toEqual(ok);
  });

  it("keeps to the limits of what archives may ask for, which --limit and GANTRY_LIMITS move", async () => {
    const deep = await tarOf([[{ name: `limits/${"d/".repeat(20)}f` }, "x"]]);
    const take = (flags: string[], env = {}): { status: number | null; says: string } => {
      const { status, stderr } = store.try(["cp", ...flags, "-", "stopped:/tmp"], { input: deep, env });
      return { status, says: stderr.toString() };
    };
    expect(take(["--limit", "depth=21"])).toEqual({
      status: 1,
      says: expect.stringMatching(/--limit depth=22/) as string,
    });
    expect(take([], { GANTRY_LIMITS: "depth=21" })).toMatchObject({ status: 1 });
    expect(take(["--limit", "depth=22"], { GANTRY_LIMITS: "depth=21" })).toEqual(ok);
    expect(take([], { GANTRY_LIMITS: "depht=5" }).says).toMatch(/did you mean depth/);
  });

  it("says how much was copied where to, unless it is to be quiet", () => {
    expect(cp("-q=false", here("src/f"), "stopped:/tmp/said").says).toContain(
      "Successfully copied 2.05kB to stopped:/tmp/said",
    );
    expect(cp("-q=false", "stopped:/tmp/said", here("said")).says).toContain(
      `Successfully copied 2.05kB to ${here("said")}`,
    );
    expect(cp("-q", here("src/f"), "stopped:/tmp/said")).toEqual(ok);
  });

  it("makes a start wait; killed, it leaves a container that starts", async () => {
    store.run("create", "--name", "busy", "busybox", "cat", "/tmp/late");
    const writer = (): ReturnType<typeof spawn> =>
      spawn(GANTRY, ["cp", "-", "busy:/tmp"], {
        stdio: ["pipe", "ignore", "ignore"],
        env: { ...process.env, GANTRY_ROOT: store.root },
      });
    const tar = await tarOf([
      [{ name: "late" }, "in time\n"],
      [{ name: "big" }, Buffer.alloc(3 << 20)],
    ]);
    const slow = writer();
    slow.stdin?.write(tar.subarray(0, 2 << 20));
    await until(() => existsSync(join(upperOf("busy"), "tmp/late")));
    const started = store.start(["start", "-a", "busy"]);
    let printed = "";
    started.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(store.run("inspect", "-f", "{{.State.Status}}", "busy")).toBe("created");
    slow.stdin?.end(tar.subarray(2 << 20));
    await new Promise((resolve) => started.once("close", resolve));
    expect(printed).toBe("in time\n");

    const killed = writer();
    killed.stdin?.write(tar.subarray(0, 2 << 20));
    await until(() => lstatSync(join(upperOf("busy"), "tmp/late")).mtimeMs !== 0 && lockHeld("busy"));
    const removal = store.try(["rm", "-f", "busy"]);
    expect([removal.status, removal.stderr.toString()]).toEqual([
      1,
      expect.stringMatching(/another command is writing to it\n.*Wait until the copy/),
    ]);
    killed.stdin?.on("error", () => undefined);
    killed.kill("SIGKILL");
    await new Promise((resolve) => killed.once("close", resolve));
    expect(readdirSync(join(upperOf("busy"), "tmp")).sort()).toEqual(["big", "late"]);
    expect(store.run("start", "-a", "busy")).toBe("in time");
  });

  function lockHeld(container: string): boolean {
    const lock = join(upperOf(container), "../shim.lock");
    return spawnSync("flock", ["-n", lock, "true"]).status !== 0;
  }

  it("replaces a file whole or not at all", async () => {
    writeFileSync(here("large"), Buffer.alloc(48 << 20, "n"));
    expect(cp(here("large"), "stopped:/tmp/large")).toEqual(ok);
    writeFileSync(here("kept"), "old");
    const child = store.start(["cp", "stopped:/tmp/large", here("kept")]);
    await until(() => child.exitCode !== null || busyWith(child.pid as number, here("")));
    child.kill("SIGINT");
    await new Promise((resolve) => (child.exitCode === null ? child.once("close", resolve) : resolve(undefined)));
    expect([3, 48 << 20]).toContain(statSync(here("kept")).size);
    expect(readdirSync(here("")).filter((name) => name.startsWith(".gantry"))).toEqual([]);
  });

  it("is not led out of a container that swaps a directory for a link meanwhile", async () => {
    const victim = mkdtempSync("/tmp/gantry-victim-");
    writeFileSync(join(victim, "f"), "host secret");
    try {
      const swap = `mkdir -p /x /a; echo inside > /a/f; ln -s ${victim} /l; while :; do mv /a /x/d; mv /x/d /a; mv /l /x/d; mv /x/d /l; done`;
      store.run("run", "-d", "--name", "racer", "busybox", "sh", "-c", swap);
      const { copyFiles } = await import("../../src/engine/copy-files.ts");
      const { openStore } = await import("../../src/store/open-store.ts");
      const { SILENT_REPORTER } = await import("../../src/events/progress.ts");
      const opened = openStore(store.root);
      const options = { archive: false, followLink: true, stream: { stdin: 0, stdout: 1 } };
      const at = (path: string): { kind: "container"; container: string; path: string } => ({
        kind: "container",
        container: "racer",
        path,
      });
      const codes = new Set<string>();
      for (let round = 0; round < 150; round++) {
        const taken = here(`raced-${round}`);
        const attempts: Promise<unknown>[] = [
          copyFiles(opened, at("/x/d/f"), { kind: "local", path: taken }, options, SILENT_REPORTER),
          copyFiles(opened, at("/x"), { kind: "local", path: `${taken}-tree` }, options, SILENT_REPORTER),
          copyFiles(opened, { kind: "local", path: here("src/f") }, at("/x/d/planted"), options, SILENT_REPORTER),
          copyFiles(opened, { kind: "local", path: here("src") }, at("/x/"), options, SILENT_REPORTER),
        ];
        for (const settled of await Promise.allSettled(attempts)) {
          codes.add(settled.status === "rejected" ? (settled.reason as { code: string }).code : "copied");
        }
        for (const path of [taken, join(`${taken}-tree`, "d/f")]) {
          if (existsSync(path) && !isThroughLink(path)) expect(readFileSync(path, "utf8")).toBe("inside\n");
        }
      }
      expect(
        [...codes].filter(
          (code) => !["copied", "PATH_NOT_FOUND", "COPY_CONFLICT", "SYSTEM_CALL_FAILED"].includes(code),
        ),
      ).toEqual([]);
      expect(codes).toContain("copied");
      expect(readdirSync(victim)).toEqual(["f"]);
      expect(readFileSync(join(victim, "f"), "utf8")).toBe("host secret");
    } finally {
      store.try(["rm", "-f", "racer"]);
      rmSync(victim, { recursive: true, force: true });
    }
  });
});

/** The copy of a link is a link: what is behind it on the host was not copied. */
function isThroughLink(path: string): boolean {
  return lstatSync(join(path, "..")).isSymbolicLink();
}

/** Whether a process has a file open below a directory. */
function busyWith(pid: number, directory: string): boolean {
  try {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return "";
      }
    });
    return open.some((path) => path.startsWith(join(directory, "#")) || path.includes(`${directory}/.gantry`));
  } catch {
    return true;
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 1000 && !holds(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A tar with the directory `r`. */
const DIRECTORY_R = await tarOf([[{ name: "r", type: "directory", mode: 0o755 }]]);

/** One of everything that a file can be. */
function makeTree(root: string): void {
  mkdirSync(join(root, "sub"), { recursive: true });
  const at = (name: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, "latin1")]);
  writeFileSync(at("a"), "content");
  linkSync(at("a"), at("b"));
  linkSync(at("a"), at("sub/c"));
  writeFileSync(at("\xff\xfe name"), "not UTF-8");
  writeFileSync(at("sparse"), "start");
  truncateSync(join(root, "sparse"), 300 << 20);
  symlinkSync("/nowhere/at/all", at("link"));
  writeFileSync(at("old"), "");
  utimesSync(at("old"), -150_000_000.25, -150_000_000.25);
  chownSync(at("old"), 3_000_000_000, 4_000_000_000);
  chmodSync(at("sub"), 0o3711);
  setXattr(join(root, "a"), "user.colour", Buffer.from("blue"));
  setXattr(join(root, "a"), "security.capability", Buffer.from("0100000200200000000000000000000000000000", "hex"));
  const acl = "02000000010006000000000002000600d204000004000400ffffffff10000600ffffffff20000400ffffffff";
  setXattr(
    join(root, "old"),
    "system.posix_acl_access",
    Buffer.from(acl.replace("0100060000000000", "01000600ffffffff"), "hex"),
  );
  spawnSync("mkfifo", [join(root, "pipe")]);
  spawnSync("mknod", [join(root, "null"), "c", "1", "3"]);
  spawnSync("python3", [
    "-c",
    `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(join(root, "sock"))})`,
  ]);
  utimesSync(join(root, "sub"), 1_000_000_000, 1_000_000_000);
  utimesSync(root, 1_000_000_001, 1_000_000_001);
}

/** All that a container can do to its image's files. */
const CHANGES = `
  set -e
  mkdir -p /top/sub /only/new
  echo f > /top/sub/f; ln /top/sub/f /top/other; ln /top/sub/f /outside; ln -s /top /link; ln -s sub/f /top/s
  mkfifo /top/pipe; chmod 4711 /top/other; touch -d @-5 /top/sub; truncate -s 90000000 /top/hole; echo x > /only/new/x
  rm /bin/vi /bin/ed; echo changed > /bin/ed; ln /bin/ed /bin/red; chmod 700 /tmp; echo more >> /etc/group
  rm -r /root; mkdir -p /root/deep; echo o > /root/deep/file; rm /bin/wc; mkdir /bin/wc; echo w > /bin/wc/w
`;
