import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixture, missing, TestStore } from "../tools/gantry.ts";

const skip = missing({ root: true, fixtures: ["busybox-docker20.tar"] });

describe.skipIf(skip)("containers", () => {
  const store = new TestStore();
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const status = (args: readonly string[], input = ""): number | null => store.try(args, { input }).status;
  const sh = (script: string, ...flags: string[]): string =>
    store.run("run", "--rm", ...flags, "busybox", "sh", "-c", script);

  beforeAll(() => void store.run("load", "-i", fixture("busybox-docker20.tar") as string));
  afterAll(() => store.dispose());

  describe("run", () => {
    it("gives the command's output, apart, and its exit status", () => {
      const result = store.try(["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7"]);
      expect(result.stdout.toString()).toBe("out\n");
      expect(result.stderr.toString()).toBe("err\n");
      expect(result.status).toBe(7);
    });

    it("ends with 127, 126 and 125 as Docker does", () => {
      const none = store.try(["run", "--rm", "busybox", "nosuch"]);
      expect(none.stderr.toString()).toContain('exec: "nosuch": executable file not found in $PATH');
      expect(none.status).toBe(127);
      expect(status(["run", "--rm", "busybox", "/etc"])).toBe(126);
      expect(status(["run", "--rm", "nosuchimage"])).toBe(125);
      expect(status(["run", "--rm", "-m", "1m", "busybox", "true"])).toBe(125);
      expect(status(["run", "--rm", "--nosuchflag", "busybox"])).toBe(125);
      expect(store.run("ps", "-aq")).toBe("");
    });

    it("sets environment, directory, user and host name", () => {
      const flags = ["-e", "A=1", "-w", "/made/here", "-u", "12:34", "-h", "hosty"];
      expect(sh('echo "$A $(pwd) $(id -u):$(id -g) $(hostname) $(cat /etc/hostname) $HOME"', ...flags)).toBe(
        "1 /made/here 12:34 hosty hosty /",
      );
    });

    it("passes a large input through without loss", () => {
      const input = "0123456789abcde\n".repeat(300_000);
      const result = store.try(["run", "--rm", "-i", "busybox", "cat"], { input });
      expect(result.stdout.toString() === input).toBe(true);
      expect(result.status).toBe(0);
    });

    it("has a private network with loopback only, or the host's", () => {
      expect(sh("ip -o link | wc -l")).toBe("1");
      expect(sh("ip -o link show lo")).toContain("UP");
      expect(Number(sh("cat /proc/net/dev | wc -l", "--network", "host")) - 2).toBe(
        readFileSync("/proc/net/dev", "utf8").trimEnd().split("\n").length - 2,
      );
    });

    it("limits memory and processes", () => {
      const cat = (name: string): string => `cat $(find /sys/fs/cgroup -maxdepth 2 -name ${name} | head -n 1)`;
      expect(sh(cat("pids.max"), "--pids-limit", "77")).toBe("77");
      const killed = store.try(["run", "--rm", "-m", "20m", "busybox", "sh", "-c", "x=a; while :; do x=$x$x; done"]);
      expect(killed.status).toBe(137);
    });

    it("confines: capabilities, seccomp, read-only root, no new privileges", () => {
      const field = (name: string, ...flags: string[]): string =>
        sh(`grep ${name} /proc/self/status | tr -d ' \\t'`, ...flags);
      expect(field("CapBnd")).toBe("CapBnd:00000000a80425fb");
      expect(field("CapEff", "--cap-drop", "ALL", "--cap-add", "CHOWN")).toBe("CapEff:0000000000000001");
      expect(field("Seccomp:")).toBe("Seccomp:2");
      expect(field("Seccomp:", "--security-opt", "seccomp=unconfined")).toBe("Seccomp:0");
      expect(field("NoNewPrivs", "--security-opt", "no-new-privileges")).toBe("NoNewPrivs:1");
      expect(status(["run", "--rm", "--read-only", "busybox", "touch", "/x"])).not.toBe(0);
      expect(sh("unshare -m true || echo refused")).toBe("refused");
    });

    it("passes signals on", async () => {
      const child = store.start([
        "run",
        "--rm",
        "busybox",
        "sh",
        "-c",
        "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done",
      ]);
      await new Promise((resolve) => child.stdout?.once("data", resolve));
      child.kill("SIGTERM");
      expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(9);
    });
  });

  describe("life cycle", () => {
    it("goes from created to removed", () => {
      const id = store.run(
        "create",
        "--name",
        "web",
        "--label",
        "a=b",
        "busybox",
        "sh",
        "-c",
        "echo hello; exec sleep 1000",
      );
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      const state = (): string => store.run("inspect", "-f", "{{.State.Status}}", "web");
      expect(state()).toBe("created");
      expect(store.run("start", "web")).toBe("web");
      expect(state()).toBe("running");
      expect(store.run("ps", "--format", "{{.ID}} {{.Names}} {{.Image}}")).toBe(`${id.slice(0, 12)} web busybox`);
      expect(status(["rm", "web"])).toBe(1);
      expect(store.run("logs", "web")).toBe("hello");
      expect(store.run("stop", "-t", "0", "web")).toBe("web");
      expect(state()).toBe("exited");
      expect(store.run("wait", "web")).toBe("137");
      expect(status(["kill", "web"])).toBe(1);
      expect(store.run("ps", "-q")).toBe("");
      expect(store.run("ps", "-aq", "-f", "label=a=b")).toBe(id.slice(0, 12));
      expect(store.run("start", id.slice(0, 8))).toBe(id.slice(0, 8));
      expect(store.run("logs", "-n", "1", "web")).toBe("hello");
      expect(store.run("logs", "web")).toBe("hello\nhello");
      expect(store.run("rm", "-f", "web")).toBe("web");
      expect(status(["inspect", "web"])).toBe(1);
    });

    it("follows a log until the container ends", () => {
      store.run("run", "-d", "--name", "logger", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done");
      expect(store.run("logs", "-f", "logger")).toBe("1\n2\n3");
      expect(store.run("logs", "-t", "-n", "1", "logger")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 3$/);
      store.run("rm", "logger");
    });

    it("lets a name belong to one container", () => {
      store.run("create", "--name", "taken", "busybox", "true");
      const second = store.try(["create", "--name", "taken", "busybox", "true"]);
      expect(second.status).toBe(125);
      expect(second.stderr.toString()).toContain('The container name "/taken" is already in use');
      store.run("rm", "taken");
    });

    it("keeps a container that could not be started as created, with the reason", () => {
      expect(status(["run", "--name", "failed", "busybox", "nosuch"])).toBe(127);
      expect(store.run("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "failed")).toBe("created 127");
      store.run("rm", "failed");
    });

    it("starts again with its files", () => {
      store.run("create", "--name", "again", "busybox", "sh", "-c", "echo x >> /file; wc -l < /file");
      expect(store.run("start", "-a", "again")).toBe("1");
      expect(store.run("start", "-a", "again")).toBe("2");
      store.run("rm", "again");
    });
  });

  describe("when processes are killed", () => {
    it("reports a container whose shim was killed as exited, and removes all of it", async () => {
      const id = store.run("run", "-d", "--name", "lost", "busybox", "sleep", "1000");
      const pid = Number(store.run("inspect", "-f", "{{.State.Pid}}", "lost"));
      const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
      process.kill(parent, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(store.run("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "lost")).toBe("exited 137");
      expect(isRunning(pid)).toBe(false);
      expect(cgroupsOf(id)).toEqual([]);
      expect(store.run("start", "lost")).toBe("lost");
      expect(store.run("rm", "-f", "lost")).toBe("lost");
      expect(cgroupsOf(id)).toEqual([]);
    });

    it("leaves nothing of a creation that was cut short", async () => {
      for (let delayMs = 20; delayMs <= 120; delayMs += 20) {
        const child = store.start(["create", "--name", "cut", "busybox", "true"]);
        const closed = new Promise((resolve) => child.once("close", resolve)); // it may be done before it is killed
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        child.kill("SIGKILL");
        await closed;
        store.try(["rm", "cut"]);
        store.run("create", "--name", "cut", "busybox", "true");
        store.run("rm", "cut");
      }
      expect(store.run("ps", "-aq")).toBe("");
    });
  });

  it("leaves nothing behind: no mount, no cgroup, no file", () => {
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
    expect(store.run("ps", "-aq")).toBe("");
    for (const directory of ["containers", "container-names", "tmp"]) {
      expect(readdirSync(join(store.root, directory)), directory).toEqual([]);
    }
  });
});

/** Whether a process runs; one that its parent, the machine's init, has not yet reaped does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** What is left of a container's cgroup, in any hierarchy. */
function cgroupsOf(id: string): string[] {
  const roots = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)];
  return roots.map((root) => `${root}/gantry/${id}`).filter((path) => existsSync(path));
}
