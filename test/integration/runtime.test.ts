import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { artifact } from "../../src/artifacts/locate.ts";
import { BUSYBOX, cannotRunBusybox } from "../tools/busybox.ts";
import { missing } from "../tools/gantry.ts";

const skip = cannotRunBusybox();
const noRunc = missing({ tools: ["runc"] });

interface Hook {
  path: string;
  args: string[];
}

/** As much of an OCI configuration as these tests change. */
interface Config {
  ociVersion: string;
  process: {
    user: { uid: number; gid: number; additionalGids?: number[] };
    args: string[];
    env: string[];
    cwd: string;
    terminal?: boolean;
    selinuxLabel?: string;
    capabilities: { bounding: string[]; effective: string[]; permitted: string[] };
    rlimits?: { type: string; soft: number; hard: number }[];
    noNewPrivileges: boolean;
  };
  root: { path: string; readonly?: boolean };
  hostname: string;
  mounts: { destination: string; type: string; source: string; options: string[] }[];
  hooks?: Record<string, Hook[]>;
  linux: {
    cgroupsPath: string;
    resources: Record<string, unknown>;
    namespaces: { type: string }[];
    maskedPaths: string[];
    readonlyPaths: string[];
    sysctl?: Record<string, string>;
    uidMappings?: IdMapping[];
    gidMappings?: IdMapping[];
    seccomp?: {
      defaultAction: string;
      architectures?: string[];
      syscalls?: { names: string[]; action: string; errnoRet?: number }[];
    };
  };
}

interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

describe.skipIf(skip !== undefined)("gantry-runtime", () => {
  const scratch = mkdtempSync(join(tmpdir(), "gantry-runtime-"));
  const state = join(scratch, "state");
  const bundle = join(scratch, "bundle");
  const rootfs = join(bundle, "rootfs");
  const runtime = artifact("native/gantry-runtime");
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  let serial = 0;

  beforeAll(() => {
    for (const name of ["bin", "etc", "proc", "dev", "sys", "tmp"]) mkdirSync(join(rootfs, name), { recursive: true });
    copyFileSync(BUSYBOX, join(rootfs, "bin/busybox"));
    for (const applet of execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
      if (applet !== "busybox") symlinkSync("busybox", join(rootfs, "bin", applet));
    }
    writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nann:x:12:34::/home/ann:/bin/sh\n");
    writeFileSync(join(rootfs, "etc/plain"), "not a program\n");
  });

  afterEach(() => {
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
    expect(groupsLeft()).toEqual([]);
    expect(existsSync(state) ? readdirSync(state) : []).toEqual([]);
  });

  afterAll(() => {
    rmSync(scratch, { recursive: true, force: true });
    for (const path of parentGroups()) rmdirSync(path);
  });

  /** The parent of this test's groups in each hierarchy; the runtime removes only gantry's own. */
  function parentGroups(): string[] {
    const top = "/sys/fs/cgroup";
    return ["", ...readdirSync(top)].map((name) => join(top, name, "gantry-test")).filter((path) => existsSync(path));
  }

  /** Directories of this test's containers in any cgroup hierarchy. */
  function groupsLeft(): string[] {
    return parentGroups().filter((path) =>
      readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory()),
    );
  }

  function configure(args: string[], change?: (config: Config) => void): string {
    const id = `t${process.pid}-${++serial}`;
    const config = baseConfig(args, `/gantry-test/${id}`);
    change?.(config);
    writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
    return id;
  }

  function call(program: string, ...args: string[]): Outcome {
    const result = spawnSync(program, ["--root", state, ...args], { encoding: "utf8", input: "" });
    return { status: result.status, stdout: result.stdout, stderr: result.stderr };
  }

  function run(args: string[], change?: (config: Config) => void, program = runtime): Outcome {
    const id = configure(args, change);
    return call(program, "run", "--bundle", bundle, id);
  }

  const sh = (script: string, change?: (config: Config) => void, program = runtime): string => {
    const result = run(["sh", "-c", script], change, program);
    expect(result.stderr).toBe("");
    return result.stdout.trim();
  };

  it("ends with the program's exit status, or 128 and the signal", () => {
    expect(run(["true"]).status).toBe(0);
    expect(run(["false"]).status).toBe(1);
    expect(run(["sh", "-c", "exit 77"]).status).toBe(77);
    // The first process of a pid namespace gets no signal from itself that it does not handle: a child does.
    expect(run(["sh", "-c", "sh -c 'kill -9 $$'; exit $?"]).status).toBe(137);
  });

  it("gives environment, HOME, working directory, user, groups and host name", () => {
    const script = 'echo "$A|$HOME|$(pwd)|$(id -u):$(id -g)|$(id -G)|$(hostname)|$(umask)"';
    const said = sh(script, (config) => {
      config.process.env.push("A=one two");
      config.process.cwd = "/made/here";
      config.process.user = { uid: 12, gid: 34, additionalGids: [56] };
      config.hostname = "hosty";
    });
    expect(said).toBe("one two|/home/ann|/made/here|12:34|34 56|hosty|0022");
    rmSync(join(rootfs, "made"), { recursive: true });
  });

  it("says what is wrong with a command in the words that callers match", () => {
    const log = join(scratch, "log.json");
    const failure = (args: string[]): { status: number | null; entry: Record<string, unknown> } => {
      rmSync(log, { force: true });
      const id = configure(args);
      const result = call(runtime, "--log", log, "--log-format", "json", "create", "--bundle", bundle, id);
      return { status: result.status, entry: JSON.parse(readFileSync(log, "utf8").trim()) as Record<string, unknown> };
    };
    expect(failure(["nosuch"])).toMatchObject({
      status: 1,
      entry: { level: "error", msg: 'exec: "nosuch": executable file not found in $PATH', step: "exec", errno: 2 },
    });
    expect(failure(["/etc/plain"]).entry).toMatchObject({ msg: 'exec: "/etc/plain": permission denied', errno: 13 });
    expect(failure(["/etc"]).entry).toMatchObject({ msg: 'exec: "/etc": is a directory', errno: 21 });
    expect(failure(["/none/such"]).entry["msg"]).toContain("no such file or directory");
  });

  it("reports at the start what exec itself refuses", () => {
    writeFileSync(join(rootfs, "bin/broken"), "\x7fELF nothing of the kind", { mode: 0o755 });
    const result = run(["/bin/broken"]);
    expect(result.stderr).toContain('exec: "/bin/broken": exec format error');
    expect(result.status).toBe(1);
  });

  it("goes through created, running and stopped, and refuses what a state does not allow", () => {
    const id = configure(["sleep", "100"]);
    const status = (): string => (JSON.parse(call(runtime, "state", id).stdout) as { status: string }).status;
    expect(spawnSync(runtime, ["--root", state, "create", "--bundle", bundle, id], { stdio: "ignore" }).status).toBe(0);
    expect(status()).toBe("created");
    expect(call(runtime, "create", "--bundle", bundle, id).stderr).toContain("already exists");
    expect(call(runtime, "start", id).status).toBe(0);
    expect(status()).toBe("running");
    expect(JSON.parse(call(runtime, "list", "--format", "json").stdout)).toHaveLength(1);
    expect(call(runtime, "start", id).stderr).toContain("running");
    expect(call(runtime, "delete", id).stderr).toContain("running");
    expect(call(runtime, "kill", id, "KILL").status).toBe(0);
    for (let i = 0; i < 200 && status() !== "stopped"; i++) spawnSync("sleep", ["0.01"]);
    expect(status()).toBe("stopped");
    expect(call(runtime, "kill", id, "TERM").stderr).toContain("container not running");
    expect(call(runtime, "delete", id).status).toBe(0);
    expect(call(runtime, "state", id).stderr).toContain("does not exist");
    expect(call(runtime, "delete", "--force", id).status).toBe(0);
  });

  it("takes relative paths from where it was called", () => {
    const id = configure(["true"]);
    const options = { cwd: scratch, stdio: "ignore" } as const;
    const flags = ["--bundle", "bundle", "--pid-file", "pid"];
    expect(spawnSync(runtime, ["--root", "state", "create", ...flags, id], options).status).toBe(0);
    expect(readdirSync(state)).toEqual([id]);
    expect(Number(readFileSync(join(scratch, "pid"), "utf8"))).toBeGreaterThan(1);
    expect(spawnSync(runtime, ["--root=state", "delete", "--force", id], options).status).toBe(0);
  });

  it("deletes by force what runs", () => {
    const id = configure(["sleep", "100"]);
    expect(spawnSync(runtime, ["--root", state, "run", "-d", "-b", bundle, id], { stdio: "ignore" }).status).toBe(0);
    expect(call(runtime, "delete", "-f", id).status).toBe(0);
  });

  it("masks and protects paths, and keeps the root read-only", () => {
    const readonly = (config: Config): void => void (config.root.readonly = true);
    expect(sh("wc -c < /proc/keys; ls /sys/firmware | wc -l", readonly)).toBe("0\n0");
    expect(run(["sh", "-c", "echo 1 > /proc/sys/kernel/panic"]).stderr).toContain("Read-only file system");
    expect(run(["sh", "-c", "echo 1 > /x"], readonly).stderr).toContain("Read-only file system");
    expect(existsSync(join(rootfs, "x"))).toBe(false);
  });

  it("limits memory, processes, processors and devices", () => {
    const cgroups = "/sys/fs/cgroup";
    const said = sh(
      `cat $(find ${cgroups} -maxdepth 2 -name memory.limit_in_bytes -o -maxdepth 2 -name memory.max | head -n 1)
       cat $(find ${cgroups} -maxdepth 2 -name pids.max | head -n 1)`,
      (config) => {
        config.linux.resources.memory = { limit: 64 << 20 };
        config.linux.resources.pids = { limit: 33 };
        config.linux.resources.cpu = { shares: 512, quota: 50_000, period: 100_000 };
      },
    );
    expect(said).toBe(`${64 << 20}\n33`);
    const forks = run(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait"], (config) => {
      config.linux.resources.pids = { limit: 4 };
    });
    expect(forks.stderr).toContain("can't fork");
    const disk = run(["sh", "-c", "mknod /tmp/d b 7 0 && head -c 1 /tmp/d"], (config) => {
      const { bounding, effective, permitted } = config.process.capabilities;
      for (const set of [bounding, effective, permitted]) set.push("CAP_MKNOD");
    });
    expect(disk.stderr).toContain("Operation not permitted");
    rmSync(join(rootfs, "tmp/d"), { force: true });
  });

  it("filters system calls", () => {
    const filter = (config: Config, action = "SCMP_ACT_ERRNO"): void => {
      config.linux.seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
        syscalls: [{ names: ["mkdir", "mkdirat"], action, errnoRet: 28 }],
      };
    };
    for (const noNewPrivileges of [true, false]) {
      const result = run(["sh", "-c", "grep Seccomp: /proc/self/status; mkdir /tmp/made"], (config) => {
        filter(config);
        config.process.noNewPrivileges = noNewPrivileges;
      });
      expect(result.stdout).toContain("Seccomp:\t2");
      expect(result.stderr).toContain("No space left on device");
    }
    const killed = run(["sh", "-c", "mkdir /tmp/made; echo survived $?"], (config) => {
      filter(config, "SCMP_ACT_KILL_PROCESS");
    });
    expect(killed.stdout).toContain("survived 159"); // 128 + SIGSYS: it was mkdir, a child of the shell
  });

  it("never follows the image's symbolic links out of it", () => {
    const outside = join(scratch, "outside");
    mkdirSync(outside);
    const up = "../".repeat(20);
    symlinkSync(join(up, outside), join(rootfs, "out"));
    symlinkSync(outside, join(rootfs, "absolute"));
    const said = sh("cat /out/mounted/file /absolute/tmpfs/x; ls -d /tmp", (config) => {
      writeFileSync(join(scratch, "file"), "content\n");
      config.process.args = ["sh", "-c", `cat /out/mounted/file; df /absolute/t | tail -n 1 | cut -d ' ' -f 1`];
      config.mounts.push(
        { destination: "/out/mounted/file", type: "bind", source: join(scratch, "file"), options: ["rbind", "ro"] },
        { destination: "/absolute/t", type: "tmpfs", source: "tmpfs", options: ["size=64k"] },
      );
    });
    expect(said).toBe("content\ntmpfs");
    expect(readdirSync(outside)).toEqual([]);
    for (const name of ["out", "absolute", scratch.split("/")[1] as string])
      rmSync(join(rootfs, name), { recursive: true, force: true });
    mkdirSync(join(rootfs, "tmp"), { recursive: true });
  });

  it("makes a bind mount read-only from the first moment", () => {
    const result = run(["sh", "-c", "echo 1 > /mnt/a"], (config) => {
      config.mounts.push({ destination: "/mnt", type: "bind", source: scratch, options: ["bind", "ro", "rprivate"] });
    });
    expect(result.stderr).toContain("Read-only file system");
    rmSync(join(rootfs, "mnt"), { recursive: true });
  });

  it("refuses what it does not do, before anything is made", () => {
    const refused = (change: (config: Config) => void): string => run(["true"], change).stderr;
    expect(refused((c) => (c.process.selinuxLabel = "x"))).toContain("SELinux");
    expect(refused((c) => (c.linux.seccomp = { defaultAction: "SCMP_ACT_NOTIFY" }))).toContain("SCMP_ACT_NOTIFY");
    expect(refused((c) => (c.linux.cgroupsPath = "a.slice:b:c"))).toContain("systemd");
    expect(refused((c) => (c.linux.sysctl = { "kernel.panic": "1" }))).toContain("not in a separate kernel namespace");
    expect(refused((c) => (c.process.terminal = true))).toContain("console socket");
    expect(call(runtime, "--systemd-cgroup", "state", "x").stderr).toContain("--systemd-cgroup is not supported");
    expect(call(runtime, "state", "../x").stderr).toContain("invalid container ID format");
  });

  it("runs hooks where the specification says, with the state on stdin", () => {
    const log = join(scratch, "hooks");
    const hook = (name: string): Hook => ({
      path: "/bin/sh",
      args: ["sh", "-c", `echo ${name} $(sed 's/.*"status":"\\([a-z]*\\)".*/\\1/') >> ${log}`],
    });
    const names = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
    sh("true", (config) => (config.hooks = Object.fromEntries(names.map((name) => [name, [hook(name)]]))));
    expect(readFileSync(log, "utf8").trim().split("\n")).toEqual([
      "prestart creating",
      "createRuntime creating",
      "createContainer creating",
      "poststart running",
      "poststop stopped",
    ]);
    const failing = run(["true"], (config) => {
      config.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", "echo no >&2; exit 3"] }] };
    });
    expect(failing.stderr).toContain("exit status: 3: no");
  });

  it("maps users in a user namespace", () => {
    const said = sh("id -u; cat /proc/self/uid_map; echo hi > /tmp/mine; ls -ln /dev/null | cut -c 1-10", (config) => {
      config.linux.namespaces.push({ type: "user" });
      config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1000 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1000 }];
    });
    expect(said.split(/\s+/)).toEqual(["0", "0", "0", "1000", "crw-rw-rw-"]);
    rmSync(join(rootfs, "tmp/mine"));
  });

  it("passes a program named /proc/self/exe a sealed copy of the runtime, not the host's file", () => {
    const result = run(["/proc/self/exe", "--version"]);
    expect(result.stdout).toContain("gantry-runtime version");
    const link = sh("ls -l /proc/1/exe", (config) => {
      config.process.args = ["sh", "-c", "readlink /proc/1/exe"];
    });
    expect(link).toBe("/bin/busybox");
  });

  describe.skipIf(noRunc)("beside runc", () => {
    it("gives a process the same identity and rights", () => {
      const script = "grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups|Umask)' /proc/self/status; ulimit -n";
      const change = (config: Config): void => {
        config.process.user = { uid: 12, gid: 34, additionalGids: [5, 6] };
        config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }];
        config.linux.seccomp = {
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [{ names: ["ptrace"], action: "SCMP_ACT_ERRNO" }],
        };
      };
      expect(sh(script, change)).toBe(sh(script, change, "runc"));
    });

    it("makes the same mounts, in the same order, with the same options", () => {
      // Numbers differ; runc masks with the container's own null device.
      const script = "sed -E 's/^[0-9]+ [0-9]+ [0-9:]+ //' /proc/self/mountinfo | cut -d ' ' -f 2- ";
      const normal = (text: string): string[] =>
        text
          .split("\n")
          .map((line) => line.replace(/ (devtmpfs|tmpfs) (devtmpfs|tmpfs) .*$/, " (tmpfs)"))
          .map((line) => line.replace(/^(\/proc\/(keys|timer_list|kcore|sched_debug|latency_stats)) .*/, "$1 masked"))
          // runc leaves the tmpfs that only holds the hierarchies writable.
          .map((line) => line.replace(/^(\/sys\/fs\/cgroup) r[ow],/, "$1 "))
          .sort();
      expect(normal(sh(script))).toEqual(normal(sh(script, undefined, "runc")));
    });

    it("fills /dev the same way", () => {
      const script = "cd /dev; for f in $(find . | sort); do echo $(stat -c '%n %F %a %t:%T' $f) $(readlink $f); done";
      const shape = (text: string): string[] =>
        text.split("\n").filter((line) => !/^\.\/pts\/[0-9]|^\.\/core/.test(line));
      expect(shape(sh(script))).toEqual(shape(sh(script, undefined, "runc")));
    });
  });

  it("survives many at once", async () => {
    const containers = Array.from({ length: 8 }, () => {
      const id = configure(["sh", "-c", "exit 5"], (config) => (config.root.path = rootfs));
      const own = join(scratch, id);
      mkdirSync(own);
      copyFileSync(join(bundle, "config.json"), join(own, "config.json"));
      return { id, own };
    });
    const children: ChildProcess[] = containers.map(({ id, own }) =>
      spawn(runtime, ["--root", state, "run", "--bundle", own, id], { stdio: "ignore" }),
    );
    const codes = await Promise.all(children.map((child) => new Promise((done) => child.on("exit", done))));
    expect(codes).toEqual(containers.map(() => 5));
  });
});

function baseConfig(args: string[], cgroupsPath: string): Config {
  const capabilities = ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_CHOWN"];
  const strict = ["nosuid", "noexec", "nodev"];
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ["PATH=/bin"],
      cwd: "/",
      capabilities: { bounding: [...capabilities], effective: [...capabilities], permitted: [...capabilities] },
      noNewPrivileges: true,
    },
    root: { path: "rootfs" },
    hostname: "test",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: strict },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
      },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
      },
      { destination: "/dev/shm", type: "tmpfs", source: "shm", options: [...strict, "mode=1777", "size=65536k"] },
      { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: strict },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: [...strict, "ro"] },
      { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...strict, "relatime", "ro"] },
    ],
    linux: {
      cgroupsPath,
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
      maskedPaths: ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}
