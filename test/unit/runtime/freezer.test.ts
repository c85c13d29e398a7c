import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { containerCgroups } from "../../../src/runtime/container-cgroups.ts";
import { ContainerPaths } from "../../../src/runtime/container-paths.ts";
import { whileFrozen } from "../../../src/runtime/freezer.ts";
import { cgroupsPathOf } from "../../../src/runtime/oci-spec.ts";
import { StoreLayout } from "../../../src/store/layout.ts";
import { undoLeftover } from "../../../src/store/undo-note.ts";

const ID = "c".repeat(64);

/** Files as the kernel would show them; here nobody acts on them but the test. */
describe("a container is frozen", () => {
  let work = "";
  let paths: ContainerPaths;

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), "gantry-freezer-"));
    paths = new ContainerPaths(new StoreLayout(join(work, "store")), ID);
    mkdirSync(paths.upper, { recursive: true });
  });
  afterEach(() => {
    rmSync(work, { recursive: true });
  });

  function cgroup(hierarchy: string, files: Record<string, string>): string {
    const path = join(work, "cgroup", hierarchy, cgroupsPathOf(ID));
    mkdirSync(path, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return path;
  }
  const options = (signal = new AbortController().signal) => ({
    scratch: work,
    signal,
    cgroupRoot: join(work, "cgroup"),
  });
  const text = (...path: string[]): string => readFileSync(join(...path), "utf8");

  it("by cgroup version 2 when cgroup.events says so, not when cgroup.freeze does", async () => {
    const path = cgroup("", { "cgroup.freeze": "0", "cgroup.events": "populated 1\nfrozen 0\n" });
    writeFileSync(join(work, "cgroup/cgroup.controllers"), "");
    let begun = false;
    const done = whileFrozen(paths, options(), () => {
      begun = true;
      return Promise.resolve(text(path, "cgroup.freeze"));
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([begun, text(path, "cgroup.freeze")]).toEqual([false, "1"]);
    writeFileSync(join(path, "cgroup.events"), "populated 1\nfrozen 1\n");
    expect(await done).toBe("1");
    expect(text(path, "cgroup.freeze")).toBe("0");
  });

  it("by the freezer of version 1 on a hybrid system, and thawed when the work fails", async () => {
    const unified = cgroup("unified", { "cgroup.freeze": "0", "cgroup.events": "frozen 0\n" });
    const path = cgroup("freezer", { "freezer.state": "THAWED" });
    const failed = whileFrozen(paths, options(), () => {
      expect(text(path, "freezer.state").trim()).toBe("FROZEN");
      throw new Error("no work");
    });
    await expect(failed).rejects.toThrow("no work");
    expect([text(path, "freezer.state"), text(unified, "cgroup.freeze")]).toEqual(["THAWED", "0"]);
    expect(containerCgroups(ID, join(work, "cgroup"))).toHaveLength(2);
  });

  it("by somebody else stays frozen, and one that does not run is left alone", async () => {
    expect(await whileFrozen(paths, options(), () => Promise.resolve("idle"))).toBe("idle");
    const path = cgroup("freezer", { "freezer.state": "FROZEN\n" });
    expect(await whileFrozen(paths, options(), () => Promise.resolve("done"))).toBe("done");
    expect(text(path, "freezer.state")).toBe("FROZEN\n");
  });

  it("not at all when that is cancelled, or takes too long", async () => {
    const path = cgroup("", { "cgroup.freeze": "0", "cgroup.events": "frozen 0\n" });
    writeFileSync(join(work, "cgroup/cgroup.controllers"), "");
    const abort = new AbortController();
    const never = (): Promise<never> => Promise.reject(new Error("must not run"));
    const cancelled = whileFrozen(paths, options(abort.signal), never);
    abort.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED" });
    expect(text(path, "cgroup.freeze")).toBe("0");
    const impatient = { ...options(), patienceMs: 30 };
    await expect(whileFrozen(paths, impatient, never)).rejects.toMatchObject({ code: "CONTAINER_FREEZE_FAILED" });
    expect(text(path, "cgroup.freeze")).toBe("0");
  });
});

describe("what a dead process left to undo", () => {
  it("is done for files of cgroups only, and never makes one", () => {
    const work = mkdtempSync(join(tmpdir(), "gantry-undo-"));
    const target = join(work, "target");
    try {
      writeFileSync(target, "as it was");
      const absent = "/sys/fs/cgroup/gantry-no-such/cgroup.freeze";
      for (const note of [
        { path: target, text: "x" },
        { path: `/sys/fs/cgroup/../../..${target}`, text: "x" },
        { path: absent, text: "0" },
      ]) {
        writeFileSync(join(work, "undo.json"), JSON.stringify(note));
        undoLeftover(work);
      }
      writeFileSync(join(work, "undo.json"), "{");
      undoLeftover(work);
      expect(readFileSync(target, "utf8")).toBe("as it was");
    } finally {
      rmSync(work, { recursive: true });
    }
  });
});
