import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventMatches, followEvents } from "../../../src/engine/follow-events.ts";
import { eventFiles, eventLine, recordEvent, type StoreEvent } from "../../../src/store/event-log.ts";
import { EventReader, type RecordedEvent } from "../../../src/store/event-reader.ts";
import { StoreLayout } from "../../../src/store/layout.ts";
import type { Store } from "../../../src/store/store.ts";

let root: string;
let layout: StoreLayout;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-events-"));
  layout = new StoreLayout(root);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const create: StoreEvent = {
  type: "container",
  action: "create",
  id: "c".repeat(64),
  attributes: { name: "web", image: "busybox", "com.example": "ü" },
};
const tag: StoreEvent = { type: "image", action: "tag", id: "sha256:a", attributes: { name: "a:1" } };

describe("an event's line", () => {
  it("is Docker's JSON with its legacy fields, attributes sorted, all digits of the time", () => {
    expect(eventLine(create, 1_795_331_679_028_012_384n)).toBe(
      `{"status":"create","id":"${create.id}","from":"busybox","Type":"container","Action":"create",` +
        `"Actor":{"ID":"${create.id}","Attributes":{"com.example":"ü","image":"busybox","name":"web"}},` +
        '"scope":"local","time":1795331679,"timeNano":1795331679028012384}',
    );
    expect(eventLine({ ...tag, action: "prune", id: "", attributes: { reclaimed: "0" } }, 1_000_000_001n)).toBe(
      '{"status":"prune","Type":"image","Action":"prune","Actor":{"ID":"","Attributes":{"reclaimed":"0"}},' +
        '"scope":"local","time":1,"timeNano":1000000001}',
    );
  });
});

describe("the event log", () => {
  it("gives events back in the order in which they were recorded, from the beginning or from now on", () => {
    recordEvent(layout, create);
    const late = new EventReader(layout, true);
    recordEvent(layout, tag);
    recordEvent(layout, { ...tag, action: "untag" });
    const actions = (reader: EventReader): string[] => [...reader.read()].map(({ action }) => action);
    expect(actions(new EventReader(layout, false))).toEqual(["create", "tag", "untag"]);
    expect(actions(late)).toEqual(["tag", "untag"]);
    expect(actions(late)).toEqual([]);
    const times = [...new EventReader(layout, false).read()].map(({ timeNano }) => timeNano);
    expect(times).toEqual([...times].sort());
    expect(new Set(times).size).toBe(3);
  });

  it("reads a line only when it is whole, and passes over what is no event", () => {
    recordEvent(layout, create);
    const reader = new EventReader(layout, false);
    expect([...reader.read()]).toHaveLength(1);
    const line = eventLine(tag, 5n);
    const [file] = eventFiles(layout) as [string];
    appendFileSync(file, `rubbish\n\n{"timeNano":1}\n${line.slice(0, 40)}`);
    expect([...reader.read()]).toEqual([]);
    appendFileSync(file, `${line.slice(40)}\n`);
    expect([...reader.read()]).toMatchObject([{ action: "tag", line, timeNano: 5n }]);
  });

  it("goes on in a next file when one is full, drops the oldest, and readers follow", () => {
    const reader = new EventReader(layout, false);
    const long = { ...tag, attributes: { name: "n".repeat(400_000) } };
    let seen = 0;
    for (let n = 0; n < 24; n++) {
      recordEvent(layout, long);
      seen += [...reader.read()].length;
    }
    expect(seen).toBe(24);
    const numbers = eventFiles(layout).map((path) => Number.parseInt(path.slice(-14), 10));
    expect(numbers.length).toBeLessThanOrEqual(4);
    expect(numbers.at(-1)).toBeGreaterThan(4);
    expect([...new EventReader(layout, false).read()].length).toBeGreaterThanOrEqual(9);
  });

  it("takes whole lines from many processes at once", () => {
    mkdirSync(layout.eventsDir());
    const file = join(layout.eventsDir(), "00000001.jsonl");
    writeFileSync(file, "");
    const script = `for n in $(seq 300); do echo '${eventLine(create, 7n)}' >> ${file}; done`;
    spawnSync("sh", ["-c", `(${script}) & (${script}) & wait`]);
    for (let n = 0; n < 50; n++) recordEvent(layout, tag);
    expect([...new EventReader(layout, false).read()]).toHaveLength(650);
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(651);
  });

  it("never fails a command: a place that cannot be written to is passed over", () => {
    writeFileSync(join(root, "events"), "a file where the directory should be");
    expect(() => recordEvent(layout, create)).not.toThrow();
    expect(eventFiles(layout)).toEqual([]);
  });
});

describe("following", () => {
  const store = (): Store => ({ layout }) as Store;

  it("shows what comes, until the signal", async () => {
    recordEvent(layout, create);
    const seen: string[] = [];
    const controller = new AbortController();
    const followed = followEvents(store(), { signal: controller.signal }, ({ action }) => {
      seen.push(action);
      if (seen.length === 2) controller.abort();
    });
    recordEvent(layout, tag);
    setTimeout(() => recordEvent(layout, { ...tag, action: "untag" }), 30);
    await followed;
    expect(seen).toEqual(["tag", "untag"]);
  });

  it("with since and until shows that time, and ends at once when it has passed", async () => {
    mkdirSync(layout.eventsDir());
    const lines = [1000n, 2000n, 3000n].map((ms) => `${eventLine({ ...tag, action: `at${ms}` }, ms * 1_000_000n)}\n`);
    writeFileSync(join(layout.eventsDir(), "00000001.jsonl"), lines.join(""));
    const seen: string[] = [];
    await followEvents(store(), { sinceMs: 1500, untilMs: 2500 }, ({ action }) => seen.push(action));
    expect(seen).toEqual(["at2000"]);
    const start = Date.now();
    await followEvents(store(), { sinceMs: 0, untilMs: start + 120 }, () => undefined);
    expect(Date.now() - start).toBeGreaterThanOrEqual(110);
  });
});

describe("filters of events are Docker's", () => {
  const recorded = ({ type, action, id, attributes }: StoreEvent): RecordedEvent => ({
    ...{ type, action, id, attributes },
    scope: "local",
    timeNano: 1n,
    line: "",
  });
  it.each([
    [{ types: ["image"] }, false],
    [{ types: ["image", "container"] }, true],
    [{ actions: ["create"] }, true],
    [{ actions: ["start"] }, false],
    [{ containers: ["web"] }, true],
    [{ containers: ["we"] }, true],
    [{ containers: ["/web"] }, true],
    [{ containers: ["cccc"] }, true],
    [{ containers: ["other"] }, false],
    [{ images: ["busybox"] }, true],
    [{ images: ["busybox:latest"] }, true],
    [{ images: ["busy"] }, false],
    [{ labels: ["com.example"] }, true],
    [{ labels: ["com.example=ü"] }, true],
    [{ labels: ["com.example=u"] }, false],
    [{ labels: ["com.example", "none"] }, false],
    [{ types: ["container"], actions: ["die"] }, false],
    [{ scopes: ["swarm"] }, false],
  ])("%j: %j", (filter, passes) => {
    expect(eventMatches(recorded(create), filter)).toBe(passes);
  });

  it("an image's events match by id, name and name without tag; a container's name is none of an image", () => {
    for (const image of ["sha256:a", "a:1", "a"]) expect(eventMatches(recorded(tag), { images: [image] })).toBe(true);
    expect(eventMatches(recorded(tag), { containers: ["a"] })).toBe(false);
  });
});
