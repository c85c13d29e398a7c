import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrivateDocker } from "../tools/docker.ts";
import { fixture, GANTRY, missing, TestStore, treeOf } from "../tools/gantry.ts";

const skip = missing({ root: true, tools: ["tar"], fixtures: ["busybox-docker20.tar"] });
const skipDocker = skip ?? missing({ tools: ["dockerd", "docker"] });
const skipPodman = skip ?? missing({ tools: ["podman"] });

/** What a container may do to its files; it stays, so that the container can be exported while it runs. */
const CHANGES = [
  "mkdir -p /made/deep",
  "echo new > /made/deep/file",
  "ln /made/deep/file /made/hard",
  "ln -s deep/file /made/soft",
  "chown 1234:4321 /made/deep/file",
  "chmod 6755 /made/deep/file",
  "touch -d '2001-02-03 04:05:06' /made/deep/file",
  "mkfifo /made/pipe",
  "rm /bin/arch",
  "rm -rf /root",
].join("; ");

describe.skipIf(skip)("export", () => {
  const store = new TestStore();
  const tree = (tar: Buffer): string[] => treeOf("tar", tar, "--rules", "fixture", "--links");
  const exported = (name: string): { tar: Buffer; says: string } => {
    const { stdout, stderr, status } = store.try(["export", name]);
    expect(status).toBe(0);
    return { tar: stdout, says: stderr.toString() };
  };

  beforeAll(async () => {
    store.run("load", "-i", fixture("busybox-docker20.tar") as string);
    store.run("run", "-d", "--name", "running", "busybox", "sh", "-c", `${CHANGES}; touch /ready; sleep 1000`);
    const root = `/proc/${store.run("inspect", "-f", "{{.State.Pid}}", "running")}/root`;
    for (let n = 0; n < 500 && !existsSync(`${root}/ready`); n++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    spawnSync("python3", ["-c", `import socket; socket.socket(socket.AF_UNIX).bind("${root}/made/socket")`]);
  });
  afterAll(() => store.dispose());

  it("of a running container is that of the stopped one, sockets left out with a word", () => {
    const { tar, says } = exported("running");
    expect(says).toContain("/made/socket is a socket");
    expect(tree(tar).some((line) => line.includes('"made/deep/file"') && line.includes('"u": 1234'))).toBe(true);
    store.run("stop", "-t", "0", "running");
    expect(tree(exported("running").tar)).toEqual(tree(tar));
    store.run("start", "running");
  });

  it("unpacked by GNU tar is the same tree", () => {
    const directory = store.path("unpacked");
    mkdirSync(directory);
    const { tar } = exported("running");
    const unpacked = spawnSync("tar", ["xpf", "-", "--numeric-owner", "--xattrs", "-C", directory], { input: tar });
    expect(unpacked.stderr.toString()).toBe("");
    expect(treeOf("dir", directory, "--rules", "fixture", "--links")).toEqual(tree(tar));
  });

  it("ends quietly when its reader goes", () => {
    const script = `"$0" export running | head -c 1000 >/dev/null; echo "\${PIPESTATUS[0]}"`;
    const environment = { ...process.env, GANTRY_ROOT: store.root };
    const { stdout, stderr } = spawnSync("bash", ["-c", script, GANTRY], { env: environment });
    expect(stderr.toString()).toBe("");
    expect(stdout.toString()).toBe("141\n");
  });

  describe.skipIf(skipDocker)("beside docker", () => {
    let docker: PrivateDocker;
    beforeAll(async () => {
      docker = await PrivateDocker.start();
    });
    afterAll(() => docker.stop());

    it("goes through docker import and comes back as the same tree", () => {
      const { tar } = exported("running");
      const imported = docker.try(["import", "-", "imported:1"], tar);
      expect(imported.status).toBe(0);
      docker.exportImage("imported:1", store.path("docker.tar"));
      expect(treeOf("tar", store.path("docker.tar"), "--rules", "fixture", "--links")).toEqual(tree(tar));
    });

    it("holds what docker export holds of the same container", () => {
      docker.run("load", "-i", fixture("busybox-docker20.tar") as string);
      docker.run("run", "--network", "none", "--name", "same", "busybox", "sh", "-c", CHANGES);
      store.run("run", "--name", "same", "busybox", "sh", "-c", CHANGES);
      const theirs = tree(docker.bytes("export", "same"));
      // The directories' times are of the run.
      expect(tree(exported("same").tar)).toEqual(theirs);
    });
  });

  it.skipIf(skipPodman)("goes through podman import and comes back as the same tree", () => {
    const work = mkdtempSync(join(tmpdir(), "gantry-podman-"));
    const at = ["--root", join(work, "root"), "--runroot", join(work, "run"), "--storage-driver", "vfs"];
    const podman = (args: string[], input: Buffer | string = ""): Buffer => {
      const options = { input, maxBuffer: 1 << 30 };
      const { status, stdout, stderr } = spawnSync("unshare", ["-m", "podman", ...at, ...args], options);
      if (status !== 0) throw new Error(`podman ${args.join(" ")}: ${stderr.toString()}`);
      return stdout;
    };
    try {
      const { tar } = exported("running");
      podman(["import", "-", "imported:1"], tar);
      const id = podman(["create", "--network", "none", "imported:1", "true"]).toString().trim();
      podman(["export", "-o", join(work, "back.tar"), id]);
      expect(treeOf("tar", join(work, "back.tar"), "--rules", "fixture", "--links")).toEqual(tree(tar));
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
});
