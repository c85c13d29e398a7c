import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrivateDocker } from "../tools/docker.ts";
import { fixture, missing, TestStore, treeOf } from "../tools/gantry.ts";

const reason = missing({
  root: true,
  tools: ["dockerd", "python3", "skopeo", "umoci"],
  fixtures: ["odd-docker20.tar", "odd-oci-gzip.tar"],
});

/** Changes of every kind, made by the image's own busybox. */
const CHANGES = [
  "mkdir -p /new/deep && echo one > /new/deep/file && chmod 640 /new/deep/file",
  "echo changed >> /site/a/fresh.txt",
  "rm -rf /data && mkdir /data && echo replaced > /data/only",
  "rm /etc/group",
  "rm -rf /tmp && echo 'now a file' > /tmp",
  "ln -s ../nowhere /new/link && ln /new/deep/file /new/hard",
  "mkfifo /new/pipe && touch -d '1999-12-31 23:59:59' /new/old",
  "chown 1234:70000 /new/old && chmod 4755 /new/old",
].join(" && ");

describe.skipIf(reason)("what gantry writes, other tools read", () => {
  const store = new TestStore();
  let docker: PrivateDocker;

  beforeAll(async () => {
    docker = await PrivateDocker.start();
    store.run("load", "-i", fixture("odd-docker20.tar")!);
    store.run("save", "-o", store.path("odd.tar"), "odd:1");
  });
  afterAll(async () => {
    await docker.stop();
    store.dispose();
  });

  it("docker load takes a saved image and shows the same id and layers", () => {
    docker.run("load", "-q", "-i", store.path("odd.tar"));
    const format = ["--format", "{{.Id}} {{.RootFS.Layers}}", "odd:1"];
    expect(docker.run("image", "inspect", ...format)).toBe(store.run("image", "inspect", ...format));
    expect(treeOf("tar", docker.exportImage("odd:1", store.path("docker.tar")), "--rules", "fixture")).toEqual(
      readFileSync(fixture("odd.tree.jsonl")!, "utf8").trimEnd().split("\n"),
    );
  });

  it.each(["docker-archive", "oci-archive"])("skopeo copies it as %s with the same diffIds", (transport) => {
    const target = store.path(`skopeo-${transport}`);
    const source =
      transport === "oci-archive"
        ? `oci-archive:${store.path("odd.tar")}`
        : `docker-archive:${store.path("odd.tar")}:odd:1`;
    execFileSync("skopeo", ["--insecure-policy", "copy", "-q", source, `oci:${target}:1`]);
    const config = execFileSync("skopeo", ["inspect", "--config", `oci:${target}:1`], { encoding: "utf8" });
    const { rootfs } = JSON.parse(config) as { rootfs: { diff_ids: string[] } };
    expect(`[${rootfs.diff_ids.join(" ")}]`).toBe(store.run("inspect", "--format", "{{.RootFS.Layers}}", "odd:1"));
  });

  it("umoci unpacks it", () => {
    const layout = store.path("layout");
    mkdirSync(layout);
    execFileSync("tar", ["xf", store.path("odd.tar"), "-C", layout]);
    execFileSync("umoci", ["unpack", "--image", `${layout}:1`, store.path("bundle")], { stdio: "pipe" });
    const seen = treeOf("dir", `${store.path("bundle")}/rootfs`, "--rules", "fixture");
    expect(seen).toEqual(readFileSync(fixture("odd.tree.jsonl")!, "utf8").trimEnd().split("\n"));
  });

  it("an image with compressed layers is saved so that docker loads it with the same id", () => {
    const id = /^Loaded image(?: ID)?: (.*)$/m.exec(store.run("load", "-i", fixture("odd-oci-gzip.tar")!))![1]!;
    store.run("tag", id, "zipped:1");
    store.run("save", "-o", store.path("zipped.tar"), "zipped:1");
    docker.run("load", "-q", "-i", store.path("zipped.tar"));
    const format = ["--format", "{{.Id}} {{.RootFS.Layers}}", "zipped:1"];
    expect(docker.run("image", "inspect", ...format)).toBe(store.run("image", "inspect", ...format));
  });

  it("docker loads layers that gantry compressed, with the same id", () => {
    // Docker before 23 reads no zstd.
    const format = ["--format", "{{.Id}} {{.RootFS.Layers}}", "odd:1"];
    const [major] = docker.run("version", "--format", "{{.Server.Version}}").split(".");
    for (const compression of Number(major) < 23 ? ["none", "gzip"] : ["none", "gzip", "zstd"]) {
      docker.run("rmi", "-f", "odd:1");
      store.run("save", "--compress", compression, "-o", store.path("compressed.tar"), "odd:1");
      docker.run("load", "-q", "-i", store.path("compressed.tar"));
      expect(docker.run("image", "inspect", ...format)).toBe(store.run("image", "inspect", ...format));
    }
  });

  it("a commit is, to docker, exactly the container's tree", () => {
    const id = store.run(
      "run",
      "-d",
      "--network",
      "none",
      "--entrypoint",
      "sh",
      "odd:1",
      "-c",
      `${CHANGES} && sleep 1000`,
    );
    try {
      const pid = store.run("inspect", "--format", "{{.State.Pid}}", id);
      for (let wait = 0; wait < 50 && !store.try(["export", id]).stdout.includes("new/old"); wait++)
        execFileSync("sleep", ["0.1"]);
      const seen = treeOf("dir", `/proc/${pid}/root/`, "--rules", "fixture", "--links");
      store.run(
        "commit",
        "-m",
        "changed",
        "-a",
        "somebody",
        "-c",
        'CMD ["sh", "-c", "echo hi"]',
        "-c",
        "ENV A=b",
        id,
        "changed:1",
      );
      expect(treeOf("tar", store.try(["export", id]).stdout, "--rules", "fixture", "--links")).toEqual(seen);
      store.run("save", "-o", store.path("changed.tar"), "changed:1");
      docker.run("load", "-q", "-i", store.path("changed.tar"));
      expect(
        treeOf("tar", docker.exportImage("changed:1", store.path("docker.tar")), "--rules", "fixture", "--links"),
      ).toEqual(seen);
      const format = ["--format", "{{.Id}} {{.Author}} {{.Comment}} {{.Config.Cmd}} {{.Config.Env}}", "changed:1"];
      expect(docker.run("image", "inspect", ...format)).toBe(store.run("image", "inspect", ...format));
    } finally {
      store.run("rm", "-f", id);
    }
  });
});
