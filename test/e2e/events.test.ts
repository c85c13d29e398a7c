import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUSYBOX, cannotRunBusybox } from "../tools/busybox.ts";
import { TestStore } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

const reason = cannotRunBusybox();

describe("events of commands and containers", () => {
  const store = new TestStore();
  beforeAll(async () => {
    const layer = reason === undefined ? readFileSync(BUSYBOX) : Buffer.alloc(10);
    const tar = await tarOf([[{ name: "busybox", mode: 0o755 }, layer]]);
    writeFileSync(store.path("box.tar"), await dockerArchive([tar], { tag: "box:1" }));
  });
  afterAll(() => store.dispose());

  const told = (...flags: string[]): string[] =>
    store
      .run("events", "--since", "1h", "--until", "0s", "--format", "{{.Type}} {{.Action}}", ...flags)
      .split("\n")
      .filter(Boolean);

  it("images: load, tag, untag, delete, prune, each with its name", () => {
    store.run("load", "-qi", store.path("box.tar"));
    store.run("tag", "box:1", "box:2");
    store.run("rmi", "box:2");
    store.run("rmi", "box:1");
    store.run("image", "prune", "-f");
    expect(told()).toEqual(["load", "tag", "untag", "untag", "delete", "prune"].map((action) => `image ${action}`));
    const names = store.run(
      "events",
      "--since",
      "1h",
      "--until",
      "0s",
      "-f",
      "event=untag",
      "--format",
      "{{.Actor.Attributes.name}}",
    );
    expect(names).toBe("box:2\nbox:1");
  });

  it.skipIf(reason !== undefined)("containers: what docker would tell, in its order, the shim's part too", () => {
    store.run("load", "-qi", store.path("box.tar"));
    store.try(["run", "--name", "three", "-l", "stage=test", "box:1", "/busybox", "sh", "-c", "exit 3"]);
    store.run("run", "-d", "--name", "long", "box:1", "/busybox", "sleep", "600");
    store.run("stop", "-t", "0", "long");
    store.run("rm", "three");
    store.run("run", "--rm", "--name", "gone", "box:1", "/busybox", "true");
    const of = (name: string): string[] =>
      told("-f", `container=${name}`).map((line) => line.slice("container ".length));
    expect(of("three")).toEqual(["create", "attach", "start", "die", "destroy"]);
    expect(of("long")).toEqual(expect.arrayContaining(["create", "start", "kill", "die", "stop"]));
    expect(of("gone")).toEqual(["create", "attach", "start", "die", "destroy"]);
    const [die] = store
      .run("events", "--since", "1h", "--until", "0s", "-f", "event=die", "-f", "label=stage=test")
      .split("\n");
    expect(die).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) container die [0-9a-f]{64} \(execDuration=0, exitCode=3, image=box:1, name=three, stage=test\)$/,
    );
  });

  it("follows until Ctrl-C, in JSON whose every line is a whole event", async () => {
    const events = store.start(["events", "--format", "json", "--filter", "type=image"]);
    let out = "";
    events.stdout!.on("data", (bytes: Buffer) => (out += bytes.toString()));
    await sleep(500);
    for (let attempt = 0; attempt < 50 && !out.includes("\n"); attempt++) {
      store.run("load", "-qi", store.path("box.tar"));
      await sleep(50);
    }
    events.kill("SIGINT");
    expect((await once(events, "exit"))[0]).toBe(130);
    expect(JSON.parse(out.split("\n")[0]!)).toMatchObject({ Type: "image", Action: "load", scope: "local" });
  });

  it("a time and a filter that are none are refused", () => {
    expect(store.try(["events", "--since", "soon"]).stderr.toString()).toMatch(
      /failed to parse value as time or duration: "soon"/,
    );
    expect(store.try(["events", "--filter", "evnt=die"]).stderr.toString()).toMatch(/Did you mean event\?/);
    expect(store.try(["events", "--until", "0s", "--format", "{{"]).status).toBe(64);
  });
});

describe("prune asks before it removes", () => {
  const store = new TestStore();
  afterAll(() => store.dispose());

  it.each([
    ["n\n", true],
    ["", true],
    ["yes\n", true],
    ["Y\n", false],
  ])("to %j the image stays: %j", async (input, stays) => {
    const tar = await tarOf([[{ name: "f" }, "x"]]);
    writeFileSync(store.path("one.tar"), await dockerArchive([tar], { tag: "one:1" }));
    store.run("load", "-qi", store.path("one.tar"));
    const { status, stdout } = store.try(["system", "prune", "-a", "--filter", "until=1s"], { input });
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(
      /^WARNING! This will remove:\n {2}- all stopped containers\n {2}- all images without at least one container associated to them\n\n {2}Items to be pruned will be filtered with:\n {2}- until=1s\n\nAre you sure you want to continue\? \[y\/N\] \n/,
    );
    expect(store.run("images", "-q") !== "").toBe(stays);
  });

  it("what a filter does not fit stays, and a filter that is none is refused", () => {
    store.run("load", "-qi", store.path("one.tar"));
    store.run("image", "prune", "-af", "--filter", "label=none");
    store.run("image", "prune", "-f");
    expect(store.run("images", "-q")).not.toBe("");
    expect(store.try(["image", "prune", "-f", "--filter", "untl=1h"]).stderr.toString()).toMatch(
      /Did you mean until\?/,
    );
    store.run("image", "prune", "-f", "--filter", "dangling=false");
    expect(store.run("images", "-q")).toBe("");
  });
});
