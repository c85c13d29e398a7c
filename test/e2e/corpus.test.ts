import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrivateDocker } from "../tools/docker.ts";
import { missing, TestStore, treeOf } from "../tools/gantry.ts";

/**
 * Large real images: GANTRY_CORPUS names a directory of docker-archives. Each is loaded by docker and by gantry, and the
 * trees compared: docker's export, gantry's export, what a process in a container sees, the committed and saved image.
 */
const corpus = process.env["GANTRY_CORPUS"];
const archives = corpus === undefined ? [] : readdirSync(corpus).filter((name) => name.endsWith(".tar"));
if (corpus === undefined) process.stderr.write("skipped: GANTRY_CORPUS names no directory of docker-archives\n");
const reason = missing({ root: true, tools: ["dockerd", "python3"] });

describe.skipIf(reason !== undefined || archives.length === 0)("large real images", () => {
  let docker: PrivateDocker;
  beforeAll(async () => {
    docker = await PrivateDocker.start();
  });
  afterAll(() => docker.stop());

  it.each(archives)("%s has the same tree everywhere", { timeout: 600_000 }, (name) => {
    const store = new TestStore();
    try {
      const archive = join(corpus!, name);
      const image = /^Loaded image: (.*)$/m.exec(store.run("load", "-i", archive))![1]!;
      docker.run("load", "-q", "-i", archive);
      const inspected = ["image", "inspect", "--format", "{{.Id}} {{.RootFS.Layers}}", image];
      expect(store.run(...inspected)).toBe(docker.run(...inspected));
      const rules = ["--rules", "fixture", "--links"];
      const expected = treeOf("tar", docker.exportImage(image, store.path("docker.tar")), ...rules);

      const id = store.run("create", "--network", "none", "--entrypoint", "sleep", image, "1000");
      store.run("export", "-o", store.path("export.tar"), id);
      expect(differences(treeOf("tar", store.path("export.tar"), ...rules), expected)).toEqual([]);

      store.run("start", id);
      const pid = store.run("inspect", "--format", "{{.State.Pid}}", id);
      expect(differences(treeOf("dir", `/proc/${pid}/root/`, ...rules), expected)).toEqual([]);
      store.run("rm", "-f", id);
      docker.run("rmi", image);

      store.run("save", "-o", store.path("saved.tar"), image);
      docker.run("load", "-q", "-i", store.path("saved.tar"));
      expect(docker.run(...inspected)).toBe(store.run(...inspected));
      expect(
        differences(treeOf("tar", docker.exportImage(image, store.path("docker.tar")), ...rules), expected),
      ).toEqual([]);
      docker.run("rmi", image);
    } finally {
      store.dispose();
    }
  });
});

/** The first lines that only one side has: a whole tree in a failure's message helps nobody. */
function differences(seen: readonly string[], expected: readonly string[]): string[] {
  const [a, b] = [new Set(seen), new Set(expected)];
  return [
    ...seen.filter((line) => !b.has(line)).map((l) => `+ ${l}`),
    ...expected.filter((line) => !a.has(line)).map((l) => `- ${l}`),
  ].slice(0, 20);
}
