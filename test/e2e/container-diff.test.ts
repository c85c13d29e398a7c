import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrivateDocker } from "../tools/docker.ts";
import { fixture, missing, TestStore } from "../tools/gantry.ts";

const ARCHIVE = "busybox-docker20.tar";
const IMAGE = "busybox:latest";

/** Everything that docker diff has a rule for. */
const CHANGES = [
  "echo hi > /new",
  "mkdir -p /a/b; touch /a/b/c /a/b.x",
  "rm /etc/passwd; echo again > /etc/passwd",
  "chmod 700 /var",
  "rm -rf /usr",
  "rm -rf /etc/network; mkdir /etc/network; touch /etc/network/n",
  "rm /etc/group; mkdir /etc/group; touch /etc/group/x",
  "mkdir /tmp/d; rmdir /tmp/d",
  "mkfifo /root/f",
  "ln -s nowhere /root/l",
  "ln /etc/shadow /etc/shadow2",
  "rm -rf /home; touch /home",
].join("; ");

const reason = missing({ root: true, fixtures: [ARCHIVE] });

describe.skipIf(reason)("diff of a container", () => {
  const store = new TestStore();
  beforeAll(() => {
    store.run("load", "-q", "-i", fixture(ARCHIVE)!);
  });
  afterAll(() => {
    store.dispose();
  });

  it("is empty for one that changed nothing, whatever the engine mounted in it", () => {
    store.run("run", "--name", "idle", IMAGE, "true");
    expect(store.run("diff", "idle")).toBe("");
  });

  it("shows the changes of a running container, depth first", async () => {
    store.run("run", "-d", "--name", "busy", IMAGE, "sh", "-c", "touch /tmp/z /tmp/a; rm /bin/ls; sleep 1000");
    for (let tries = 0; tries < 50 && !store.run("diff", "busy").includes("/bin/ls"); tries++) await sleep(50);
    expect(store.run("diff", "busy").split("\n")).toEqual(["C /bin", "D /bin/ls", "C /tmp", "A /tmp/a", "A /tmp/z"]);
    expect(store.run("diff", "--format", "{{.Kind}}:{{.Path}}", "busy").split("\n")[1]).toBe("D:/bin/ls");
    store.run("rm", "-f", "busy");
  });

  it("fails for a container that is not there", () => {
    const { status, stderr } = store.try(["diff", "nobody"]);
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining("No such container: nobody")]);
  });

  it.skipIf(missing({ tools: ["dockerd", "unshare"] }) !== undefined)(
    "prints the lines that docker diff prints",
    { timeout: 60_000 },
    async () => {
      const docker = await PrivateDocker.start();
      try {
        docker.run("load", "-i", fixture(ARCHIVE)!);
        docker.run("run", "--name", "changed", "--network", "none", IMAGE, "sh", "-c", CHANGES);
        store.run("run", "--name", "changed", IMAGE, "sh", "-c", CHANGES);
        const lines = (text: string): string[] => text.split("\n").sort();
        expect(lines(store.run("diff", "changed"))).toEqual(lines(docker.run("diff", "changed")));
      } finally {
        await docker.stop();
      }
    },
  );
});
