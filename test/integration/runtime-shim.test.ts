import { execFileSync, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { artifact } from "../../src/artifacts/locate.ts";
import {
  type ClientControl,
  encodeControl,
  encodeFrame,
  FrameDecoder,
  STREAM_STDIN,
} from "../../src/runtime/attach-protocol.ts";
import type { ShimConfig } from "../../src/runtime/shim-process.ts";
import { BUSYBOX, cannotRunBusybox, skipped } from "../tools/busybox.ts";
import { missing } from "../tools/gantry.ts";

const skip = cannotRunBusybox();
const noRunc = missing({ tools: ["runc"] });
const noErofsTools = missing({ tools: ["mkfs.erofs"] });

interface Ready {
  pid?: number;
  error?: { step: string; errno: number; path: string; message: string };
}

/** What a client of the attach protocol has seen. */
class Client {
  out = "";
  err = "";
  exit: { code: number; oomKilled: boolean } | undefined;
  readonly ended: Promise<void>;

  constructor(readonly socket: Socket) {
    const decoder = new FrameDecoder({
      output: (stream, bytes) => {
        if (stream === 1) this.out += Buffer.from(bytes).toString("latin1");
        else this.err += Buffer.from(bytes).toString("latin1");
      },
      control: (message) => (this.exit = message.exit),
    });
    socket.on("data", (chunk) => decoder.push(chunk));
    socket.on("error", () => undefined);
    this.ended = new Promise((done) => socket.on("close", () => done()));
  }

  input(text: string): void {
    this.socket.write(encodeFrame(STREAM_STDIN, Buffer.from(text)));
  }

  control(message: ClientControl): void {
    this.socket.write(encodeControl(message));
  }
}

describe.skipIf(skip !== undefined)("gantry-shim", () => {
  const root = mkdtempSync(join(tmpdir(), "gantry-shim-"));
  const image = join(root, "image");
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  let serial = 0;

  beforeAll(() => {
    for (const name of ["bin", "proc", "dev", "sys", "tmp"]) mkdirSync(join(image, name), { recursive: true });
    mkdirSync(join(root, "container-names"));
    copyFileSync(BUSYBOX, join(image, "bin/busybox"));
    for (const applet of execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
      if (applet !== "busybox") symlinkSync("busybox", join(image, "bin", applet));
    }
  });
  afterEach(() => expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function prepare(args: string[], change: Partial<ShimConfig> = {}): string {
    const id = `s${process.pid}x${++serial}`;
    const directory = join(root, "containers", id);
    for (const name of ["upper", "work", "rootfs"]) mkdirSync(join(directory, name), { recursive: true });
    symlinkSync(id, join(root, "container-names", `n-${id}`));
    const terminal = change.terminal === true;
    writeFileSync(join(directory, "config.json"), JSON.stringify(spec(args, terminal, `/gantry/${id}`)));
    const config: ShimConfig = {
      id,
      name: `n-${id}`,
      root,
      bundle: directory,
      runtime: { path: artifact("native/gantry-runtime"), args: [] },
      rootfs: {
        lower: { type: "directory", path: image },
        upper: join(directory, "upper"),
        work: join(directory, "work"),
        target: join(directory, "rootfs"),
      },
      terminal,
      openStdin: false,
      stdinOnce: false,
      log: join(directory, `${id}-json.log`),
      autoRemove: false,
      ...change,
    };
    writeFileSync(join(directory, "shim.json"), JSON.stringify(config));
    return directory;
  }

  /** Starts a shim with a foreground client, as the bridge does. */
  async function start(directory: string): Promise<{ ready: Ready; client: Client; gone: Promise<unknown> }> {
    const shim = spawn(artifact("native/gantry-shim"), [directory], {
      stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"],
    });
    const gone = new Promise((done) => shim.on("exit", done));
    const client = new Client(shim.stdio[4] as Socket);
    let line = "";
    for await (const chunk of shim.stdio[3] as Readable) line += String(chunk);
    return { ready: JSON.parse(line) as Ready, client, gone };
  }

  const status = (directory: string): Record<string, unknown> => readJson(join(directory, "status.json"));
  const log = (directory: string): { log: string; stream: string; time: string }[] =>
    readFileSync(join(directory, `${directory.split("/").pop()}-json.log`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { log: string; stream: string; time: string });
  const connect = (directory: string): Client => new Client(createConnection(join(directory, "attach.sock")));
  const until = async (holds: () => boolean): Promise<void> => {
    for (let i = 0; i < 500 && !holds(); i++) await new Promise((done) => setTimeout(done, 10));
    expect(holds()).toBe(true);
  };

  it("gives output and exit to its client, to the log and to status.json, and leaves nothing else", async () => {
    const directory = prepare(["sh", "-c", "echo out; echo err >&2; printf unfinished; touch /new; exit 5"]);
    const { ready, client, gone } = await start(directory);
    expect(ready.pid).toBeGreaterThan(0);
    await client.ended;
    expect([client.out, client.err, client.exit]).toEqual(["out\nunfinished", "err\n", { code: 5, oomKilled: false }]);
    await gone;
    expect(status(directory)).toMatchObject({ status: "exited", pid: 0, exitCode: 5, oomKilled: false, error: "" });
    expect(
      log(directory)
        .filter((entry) => entry.stream === "stdout")
        .map((entry) => entry.log),
    ).toEqual(["out\n", "unfinished"]);
    expect(log(directory)[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(readdirSync(join(directory, "upper"))).toContain("new");
    const files = ["config.json", "rootfs", "shim.json", "shim.lock", "status.json", "upper", "work"];
    expect(
      readdirSync(directory)
        .filter((name) => !name.endsWith(".log"))
        .sort(),
    ).toEqual(files);
  });

  it("gives input and its end to the container", async () => {
    const { client } = await start(prepare(["cat"], { openStdin: true, stdinOnce: true }));
    const text = "0123456789abcde\n".repeat(40_000);
    client.input(text);
    client.input("");
    await client.ended;
    expect(client.out === text).toBe(true);
    expect(client.exit?.code).toBe(0);
  });

  it("gives a terminal: size, controlling, one stream", async () => {
    const command = ["sh", "-c", "stty size; read a; stty size; echo got $a >&2; test -t 0 && tty"];
    const { client } = await start(
      prepare(command, { terminal: true, openStdin: true, consoleSize: { width: 91, height: 31 } }),
    );
    await until(() => client.out.includes("31 91"));
    client.control({ resize: { width: 77, height: 22 } });
    client.input("word\r");
    await client.ended;
    expect(client.out.replaceAll("\r", "").split("\n")).toEqual([
      "31 91",
      "word",
      "22 77",
      "got word",
      "/dev/pts/0",
      "",
    ]);
    expect(client.err).toBe("");
  });

  it("serves later clients: output from now on, the exit alone, signals", async () => {
    const directory = prepare(["sh", "-c", "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.1; done"]);
    const { client } = await start(directory);
    await until(() => client.out.includes("ready"));
    const [late, waiting] = [connect(directory), connect(directory)];
    waiting.control({ wait: true });
    await new Promise((done) => setTimeout(done, 100));
    late.control({ signal: 15 });
    await Promise.all([late.ended, waiting.ended, client.ended]);
    expect([late.out, late.exit?.code]).toEqual(["caught\n", 9]);
    expect([waiting.out, waiting.exit?.code]).toEqual(["", 9]);
  });

  it("reports a command that is not there, and removes the container of --rm", async () => {
    const directory = prepare(["nosuch"], { autoRemove: true });
    const { ready, gone } = await start(directory);
    expect(ready.error).toMatchObject({
      step: "exec",
      errno: 2,
      message: 'exec: "nosuch": executable file not found in $PATH',
    });
    await gone;
    expect(existsSync(directory)).toBe(false);
    const kept = prepare(["/proc"]);
    await (
      await start(kept)
    ).gone;
    expect(status(kept)).toMatchObject({ status: "exited", exitCode: 126 });
  });

  it("removes the container of --rm with its name before its client hears of the exit", async () => {
    const directory = prepare(["sh", "-c", "mkdir -p /a/b && echo 1 > /a/b/c"], { autoRemove: true });
    const { client } = await start(directory);
    await client.ended;
    expect(client.exit?.code).toBe(0);
    expect(existsSync(directory)).toBe(false);
    expect(readdirSync(join(root, "container-names"))).not.toContain(`n-${directory.split("/").pop()}`);
    expect(readdirSync(join(root, "tmp"))).toEqual([]);
  });

  it.skipIf(noRunc)("works with another runtime", async () => {
    const runtime = { path: "/usr/bin/env", args: ["runc"] };
    const directory = prepare(["sh", "-c", "echo by another; exit 6"], { runtime });
    const { client, gone } = await start(directory);
    await client.ended;
    expect([client.out, client.exit?.code]).toEqual(["by another\n", 6]);
    await gone;
    const failing = await start(prepare(["nosuch"], { runtime, autoRemove: true }));
    expect(failing.ready.error?.message).toContain("executable file not found in $PATH");
    const terminal = await start(prepare(["tty"], { runtime, terminal: true }));
    await terminal.client.ended;
    expect(terminal.client.out).toContain("/dev/pts/0");
  });

  it("refuses a second keeper", async () => {
    const directory = prepare(["sleep", "100"]);
    const { client } = await start(directory);
    expect((await start(directory)).ready.error).toMatchObject({ step: "lock" });
    client.control({ signal: 9 });
    await client.ended;
    expect(client.exit?.code).toBe(137);
  });

  it("tells when the kernel killed for want of memory", async () => {
    const directory = prepare(["sh", "-c", "tail /dev/zero"]);
    const config = readJson(join(directory, "config.json")) as {
      linux: { resources: { memory?: { limit: number; swap?: number } } };
    };
    const limit = 16 << 20;
    const hasSwapLimit = existsSync("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
    config.linux.resources.memory = hasSwapLimit ? { limit, swap: limit } : { limit };
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    const { client } = await start(directory);
    await client.ended;
    expect(client.exit).toEqual({ code: 137, oomKilled: true });
  });

  it("goes on when its foreground client leaves", async () => {
    const directory = prepare(["sh", "-c", "sleep 0.3; echo still here; exit 4"]);
    const { client, gone } = await start(directory);
    client.socket.destroy();
    await gone;
    expect(status(directory)).toMatchObject({ status: "exited", exitCode: 4 });
    expect(log(directory)[0]?.log).toBe("still here\n");
  });

  it("holds less than half a megabyte when idle, and serves on", async () => {
    const directory = prepare(["sleep", "100"]);
    const { client } = await start(directory);
    await new Promise((done) => setTimeout(done, 1500));
    const shim = readdirSync("/proc").find((pid) => {
      try {
        return (
          /^\d+$/.test(pid) &&
          readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(directory) &&
          readlinkSync(`/proc/${pid}/exe`).endsWith("gantry-shim")
        );
      } catch {
        return false;
      }
    });
    const pss = Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${shim}/smaps_rollup`, "utf8"))?.[1]);
    client.control({ signal: 9 });
    await client.ended;
    expect(pss).toBeLessThan(512);
    expect(client.exit?.code).toBe(137);
  });

  it.skipIf(noErofsTools).each([false, true])("mounts an EROFS file (loop devices: %s)", async (loop) => {
    const file = join(root, `image-${loop}.erofs`);
    execFileSync("mkfs.erofs", [file, image], { stdio: "ignore" });
    const command = ["sh", "-c", "rm /bin/grep; ls /bin/grep; grep -c ' / / rw' /proc/self/mountinfo; exit 3"];
    const directory = prepare(command);
    const config = readJson(join(directory, "shim.json")) as unknown as ShimConfig;
    config.rootfs.lower = { type: "erofs", image: file, devices: [], ...(loop ? { loop } : {}) };
    writeFileSync(join(directory, "shim.json"), JSON.stringify(config));
    const { ready, client, gone } = await start(directory);
    if (ready.error?.errno === 15) {
      skipped("this kernel does not mount EROFS files");
      return;
    } // ENOTBLK
    if (ready.error?.path === "/dev/loop-control") {
      skipped("no loop devices here");
      return;
    }
    await client.ended;
    expect(client.err).toContain("/bin/grep: No such file");
    expect(client.exit?.code).toBe(3);
    await gone;
    const loops = readdirSync("/sys/block").filter((name) => existsSync(`/sys/block/${name}/loop/backing_file`));
    expect(loops.map((name) => readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").trim())).not.toContain(
      file,
    );
  });
});

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
}

function spec(args: string[], terminal: boolean, cgroupsPath: string): unknown {
  const pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
  return {
    ociVersion: "1.0.2",
    process: { terminal, user: { uid: 0, gid: 0 }, args, env: ["PATH=/bin"], cwd: "/" },
    root: { path: "rootfs" },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: pts },
    ],
    linux: {
      cgroupsPath,
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
    },
  };
}
