import { mkdirSync, mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  claimName,
  claimRandomName,
  containerNames,
  idOfName,
  releaseName,
  validContainerName,
} from "../../../src/runtime/container-names.ts";
import { findContainer } from "../../../src/runtime/find-container.ts";
import { StoreLayout } from "../../../src/store/layout.ts";
import type { Store } from "../../../src/store/store.ts";

let root: string;
let layout: StoreLayout;
let store: Store;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-names-"));
  layout = new StoreLayout(root);
  mkdirSync(layout.tmpDir());
  store = { layout, exclusively: (change: () => unknown) => Promise.resolve(change()) } as unknown as Store;
});
afterEach(() => rmSync(root, { recursive: true }));

const id = (digit: string): string => digit.repeat(64);
const exists = (container: string): string | undefined => mkdirSync(layout.container(container), { recursive: true });

describe("claiming a name", () => {
  it("links it to the container", async () => {
    await claimName(store, "web", id("a"));
    expect(readlinkSync(layout.containerName("web"))).toBe(id("a"));
    expect([...containerNames(layout)]).toEqual([["web", id("a")]]);
  });

  it("fails while another container has it", async () => {
    await claimName(store, "web", id("a"));
    exists(id("a"));
    await expect(claimName(store, "web", id("b"))).rejects.toMatchObject({ code: "CONTAINER_NAME_IN_USE" });
    await expect(claimName(store, "web", id("b"))).rejects.toThrow(
      `Conflict. The container name "/web" is already in use by container "${id("a")}"`,
    );
  });

  it("fails while another container that has it is being made", async () => {
    mkdirSync(join(layout.tmpDir(), "1-x", id("a")), { recursive: true });
    await claimName(store, "web", id("a"));
    await expect(claimName(store, "web", id("b"))).rejects.toMatchObject({ code: "CONTAINER_NAME_IN_USE" });
  });

  it("takes it from a container whose making was cut short", async () => {
    await claimName(store, "web", id("a"));
    await claimName(store, "web", id("b"));
    expect(idOfName(layout, "web")).toBe(id("b"));
  });

  it("finds a random one that is free", () => {
    const names = Array.from({ length: 50 }, (_, i) => claimRandomName(layout, id(String(i % 10))));
    expect(new Set(names).size).toBe(50);
    for (const name of names) expect(validContainerName(name)).toBe(name);
  });
});

it("frees a name only for the container that has it", async () => {
  await claimName(store, "web", id("a"));
  releaseName(layout, "web", id("b"));
  expect(idOfName(layout, "web")).toBe(id("a"));
  releaseName(layout, "web", id("a"));
  releaseName(layout, "web", id("a"));
  expect(idOfName(layout, "web")).toBeUndefined();
});

it.each(["a", "-a", "a b", "", "ä1", "a/b", "..", "x".repeat(256)])("refuses the name %j", (name) => {
  expect(() => validContainerName(name)).toThrow(expect.objectContaining({ code: "CONTAINER_NAME_INVALID" }));
});

describe("finding a container", () => {
  beforeEach(() => {
    exists(id("a"));
    exists(`ab${"c".repeat(62)}`);
    exists(id("d"));
  });

  it("goes by id, name and prefix", async () => {
    await claimName(store, "web", id("d"));
    await claimName(store, "aa", id("d"));
    for (const given of [id("d"), "web", "/web", "d", "ddd", "aa"]) {
      expect(findContainer(layout, given).id, given).toBe(id("d"));
    }
    expect(findContainer(layout, "aaa").id).toBe(id("a"));
  });

  it("refuses a prefix of two and what nobody has", () => {
    expect(() => findContainer(layout, "a")).toThrow(expect.objectContaining({ code: "CONTAINER_AMBIGUOUS" }));
    for (const given of ["nobody", "", "..", "../x", "e"]) {
      expect(() => findContainer(layout, given), given).toThrow(
        expect.objectContaining({ code: "CONTAINER_NOT_FOUND", message: `No such container: ${given}` }),
      );
    }
  });
});
