import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attachContainer } from "../../../src/engine/attach-container.ts";
import { killContainer } from "../../../src/engine/kill-container.ts";
import { readContainerRecord } from "../../../src/runtime/container-record.ts";
import { ContainerPaths } from "../../../src/runtime/container-paths.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store } from "../../../src/store/store.ts";

const ID = "c".repeat(64);
let root: string;
let store: Store;
let paths: ContainerPaths;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-stopped-"));
  store = openStore(root);
  paths = new ContainerPaths(store.layout, ID);
  mkdirSync(paths.directory, { recursive: true });
  writeFileSync(paths.record, JSON.stringify({ version: 1, id: ID, name: "web", config: {}, hostConfig: {} }));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe("a container that does not run", () => {
  const refused = expect.objectContaining({ code: "CONTAINER_NOT_RUNNING" }) as Error;

  it("cannot be sent a signal", async () => {
    await expect(killContainer(store, ID, "KILL")).rejects.toThrow(refused);
  });

  it("cannot be attached to", async () => {
    await expect(attachContainer(store, ID, { start: false, interactive: false })).rejects.toThrow(refused);
  });
});

describe("a container's record", () => {
  it.each([
    ["no JSON", "{"],
    ["of a version to come", JSON.stringify({ version: 2, id: ID })],
    ["another container's", JSON.stringify({ version: 1, id: "d".repeat(64) })],
  ])("is refused if it is %s, and how to get rid of it is said", (_what, text) => {
    writeFileSync(paths.record, text);
    expect(() => readContainerRecord(paths)).toThrow(
      expect.objectContaining({
        code: "CONTAINER_RECORD_INVALID",
        remedy: expect.stringContaining("gantry rm -f cccccccccccc") as string,
      }),
    );
  });
});
