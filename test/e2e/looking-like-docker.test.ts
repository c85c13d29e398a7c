import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUSYBOX, cannotRunBusybox } from "../tools/busybox.ts";
import { PrivateDocker } from "../tools/docker.ts";
import { fixture, missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

/*
 * The same images in a Docker Engine and in gantry, the same command lines typed to both: the same answers.
 */

const reason =
  missing({ root: true, tools: ["dockerd"], fixtures: ["odd-docker20.tar", "busybox-docker20.tar"] }) ??
  cannotRunBusybox();

interface Answer {
  status: number | null;
  out: string;
  /** The first line, without who says it. */
  problem: string;
}

describe.skipIf(reason !== undefined)("typed to docker and to gantry, the answers are the same", () => {
  let docker: PrivateDocker;
  const store = new TestStore();
  const odd = fixture("odd-docker20.tar")!;

  beforeAll(async () => {
    docker = await PrivateDocker.start();
    const tar = await tarOf([
      [{ name: "bin/", type: "directory", mode: 0o755 }],
      [{ name: "bin/busybox", mode: 0o755 }, readFileSync(BUSYBOX)],
    ]);
    writeFileSync(store.path("box.tar"), await dockerArchive([tar], { tag: "box:1" }));
  }, 60_000);
  afterAll(async () => {
    await docker.stop();
    store.dispose();
  }, 30_000);

  /** Ids of containers and moments differ between the two. */
  const neutral = (text: string): string =>
    text
      .replace(/\b(container )[0-9a-f]{12}\b/g, "$1ID")
      .replace(/(Less than a second|About a minute|\d+ \w+) ago/g, "ago");
  const answer = ({ status, stdout, stderr }: ReturnType<typeof store.try>): Answer => ({
    status,
    out: neutral(stdout.toString()),
    problem: neutral(stderr.toString().split("\n")[0]!).replace(/^(Error response from daemon|Error|gantry): /, ""),
  });
  const typed = (...words: string[]): { docker: Answer; gantry: Answer } => ({
    docker: answer(docker.try(words) as ReturnType<typeof store.try>),
    gantry: answer(store.try(words)),
  });
  /** The names of one image come in any order from Docker's client: it goes through a map. */
  const sorted = (answer: Answer): Answer => ({ ...answer, out: answer.out.split("\n").sort().join("\n") });
  const same = (...words: string[]): Answer => {
    const answers = typed(...words);
    const ordered = words[0] === "images" ? sorted : (answer: Answer): Answer => answer;
    expect({ words, ...ordered(answers.gantry) }).toEqual({ words, ...ordered(answers.docker) });
    return answers.gantry;
  };
  const both = (...words: string[]): void => {
    docker.run(...words);
    store.run(...words);
  };
  const imageId = (): string => store.run("images", "-q", "odd").split("\n")[0]!;

  it("images: rows, order, sizes, ages, filters, templates", () => {
    both("load", "-qi", odd);
    both("load", "-qi", fixture("busybox-docker20.tar")!);
    both("tag", "odd:1", "registry.example.com:5000/a/odd:x");
    same("images");
    same("images", "--no-trunc");
    same("images", "-q");
    same("images", "odd");
    same("images", "odd:2");
    same("images", "--filter", "reference=b*:l?test");
    same("images", "--filter", "reference=*/*/odd");
    same("images", "--filter", "dangling=true");
    same("images", "--filter", "label=org.example.title");
    same("images", "--filter", "label=org.example.title=other");
    same("images", "--filter", "before=odd:1");
    same("images", "--filter", "since=busybox");
    same("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}} {{.CreatedAt}} {{.VirtualSize}}");
    same("images", "--format", "table {{.ID}}\\t{{upper .Repository}}\\t{{.CreatedSince}}");
    expect(same("images", "--filter", "reference=[").problem).toMatch(/syntax error in pattern/);
  });

  it("history and image inspect", () => {
    for (const flags of [
      [],
      ["-q"],
      ["--no-trunc"],
      ["-H=false"],
      ["--format", "{{.Size}}|{{.Comment}}|{{.CreatedBy}}"],
    ])
      same("history", ...flags, "odd:1");
    for (const template of [
      "{{.Id}} {{.RepoTags}} {{.Parent}}|{{.Comment}}|{{.Created}}|{{.DockerVersion}}|{{.Author}}",
      "{{json .Config}}",
      "{{.Architecture}}/{{.Os}} {{.Size}} {{.RootFS.Layers}}",
      "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}",
      '{{index .Config.Env 0}} {{len .RootFS.Layers}} {{join .Config.Entrypoint " "}}',
      "{{.Config.StopSignal}} {{.Config.StopTimeout}} {{.Config.ExposedPorts}} {{.Config.Shell}}",
      "{{with .Config.Healthcheck}}{{index .Test 0}}{{end}}{{if .Config.User}}{{.Config.User}}{{else}}root{{end}}",
      "{{.ContainerConfig.Hostname}}",
    ])
      same("image", "inspect", "--format", template, "odd:1");
    same("inspect", "--type", "image", "-f", "{{.Id}}", "busybox", "odd:1");
    expect(same("inspect", "nothing-of-that-name")).toMatchObject({ status: 1, out: "[]\n" });
    expect(typed("image", "inspect", "-f", "{{.Nmae}}", "odd:1").gantry.problem).toBe(
      'template parsing error: template: :1:2: executing "" at <.Nmae>: map has no entry for key "Nmae"',
    );
  });

  it("rmi: names of several, ids with several names, what is not there", () => {
    same("rmi", "registry.example.com:5000/a/odd:x");
    both("tag", "odd:1", "odd:2");
    expect(same("rmi", imageId()).problem).toMatch(/must be forced.*multiple repositories/);
    expect(same("rmi", imageId().slice(0, 5)).status).toBe(1);
    same("rmi", `odd@sha256:${"0".repeat(64)}`);
    same("rmi", "odd:2");
    both("tag", "odd:1", "odd:2");
    expect(same("rmi", "-f", imageId()).out).toMatch(/^Untagged: odd:1\nUntagged: odd:2\nDeleted: sha256:/);
    both("load", "-qi", odd);
    same("rmi", "busybox");
    // Nothing else has the layers now: all of them are told, top first, as chain ids.
    expect(same("rmi", imageId()).out.match(/^Deleted/gm)).toHaveLength(12);
  });

  it("rmi: images of stopped containers need force; their layers stay until the container goes", () => {
    both("load", "-qi", odd);
    both("create", "--name", "stopped", "odd:1", "true");
    const id = imageId();
    expect(same("rmi", "odd:1").problem).toMatch(
      /^conflict: unable to remove repository reference "odd:1" \(must force\)/,
    );
    expect(same("rmi", id).problem).toMatch(/image is being used by stopped container ID$/);
    expect(same("image", "prune", "-af").out).toBe("Total reclaimed space: 0B\n");
    expect(same("rmi", "-f", "odd:1").out.match(/^Deleted/gm)).toHaveLength(1);
    same("images", "-a");
    same("rm", "stopped");
  });

  it("rmi: the image of a running container loses its name by force, and stays", () => {
    both("load", "-qi", store.path("box.tar"));
    docker.run("run", "-d", "--network", "none", "--name", "busy", "box:1", "/bin/busybox", "sleep", "600");
    store.run("run", "-d", "--name", "busy", "box:1", "/bin/busybox", "sleep", "600");
    const id = store.run("images", "-q", "box");
    same("rmi", "box:1");
    expect(same("rmi", "-f", id).problem).toMatch(/cannot be forced.*running container ID$/);
    expect(same("rmi", "-f", "box:1").out).toBe("Untagged: box:1\n");
    same("images", "-a");
    const counts = typed("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}");
    expect(firstLines(counts.gantry)).toEqual(firstLines(counts.docker));
    expect(typed("image", "prune", "-f").gantry.out).toBe("Total reclaimed space: 0B\n");
    both("rm", "-f", "busy");
    expect(same("image", "prune", "-f", "--filter", "until=1h", "--filter", "label=none").out).toBe(
      "Total reclaimed space: 0B\n",
    );
    const { docker: theirs, gantry: ours } = typed("image", "prune", "-f");
    const withoutSpace = (text: string): string => text.replace(/Total.*\n/, "");
    expect(withoutSpace(ours.out)).toBe(withoutSpace(theirs.out));
    expect(ours.out).toMatch(/^Deleted Images:\ndeleted: sha256:.*\ndeleted: sha256:/);
  });

  it("ps -s and system df: sizes of what a container wrote and of what images share", () => {
    both("load", "-qi", store.path("box.tar"));
    both("load", "-qi", odd);
    both("load", "-qi", fixture("busybox-docker20.tar")!);
    const script = "/bin/busybox echo 12345 > /f; /bin/busybox ln /f /g";
    docker.run("run", "--network", "none", "--name", "wrote", "box:1", "/bin/busybox", "sh", "-c", script);
    store.run("run", "--name", "wrote", "box:1", "/bin/busybox", "sh", "-c", script);
    same("ps", "-as", "--format", "{{.Names}} {{.Image}} {{.Command}} {{.Size}}");
    same("inspect", "-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "wrote");
    const df = typed("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}");
    expect(firstLines(df.gantry)).toEqual(firstLines(df.docker));
    const images = (text: string): string => text.slice(0, text.indexOf("\n\nContainers"));
    const verbose = typed("system", "df", "-v");
    const squeezed = ({ out }: Answer): string => images(out).replace(/ +/g, " ");
    expect(rows(squeezed(verbose.gantry), 6)).toEqual(rows(squeezed(verbose.docker), 6));
  });

  it("container prune and system prune", () => {
    const listed = ({ out }: Answer): string => out.replace(/[0-9a-f]{64}/g, "ID").replace(/Total.*/, "");
    expect(same("container", "prune", "-f", "--filter", "label=none").out).toBe("Total reclaimed space: 0B\n");
    const containers = typed("container", "prune", "-f");
    expect(listed(containers.gantry)).toBe(listed(containers.docker));
    expect(containers.gantry.out).toMatch(/Total reclaimed space: 6B\n$/);
    const system = typed("system", "prune", "-af");
    const sorted = (text: string): string[] => text.split("\n").sort();
    expect(sorted(listed(system.gantry))).toEqual(sorted(listed(system.docker)));
    same("images", "-a");
  });
});

/** Images and containers; gantry has no volumes yet, and lines of its own. */
function firstLines({ out }: Answer): string[] {
  return out.split("\n").slice(0, 2);
}

/** Rows of words, without columns in which the two differ by the client's version: the first `count` and the last three. */
function rows(text: string, count: number): string[][] {
  return text.split("\n").map((line) => {
    const words = line.split(" ");
    return [...words.slice(0, count - 3), ...words.slice(-3)];
  });
}
