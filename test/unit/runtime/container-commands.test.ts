import { describe, expect, it } from "vitest";
import { DetachFilter, parseDetachKeys } from "../../../src/cli/commands/container/detach-keys.ts";
import { parseMoment } from "../../../src/cli/format/moment.ts";
import { statusText } from "../../../src/cli/commands/container/status-text.ts";
import { NEVER } from "../../../src/runtime/container-status.ts";

describe("detach keys", () => {
  const typed = (keys: string, ...pieces: string[]): { passed: string; detached: boolean } => {
    const filter = new DetachFilter(parseDetachKeys(keys));
    let passed = "";
    for (const piece of pieces) {
      const { pass, detach } = filter.push(Buffer.from(piece, "latin1"));
      passed += Buffer.from(pass).toString("latin1");
      if (detach) return { passed, detached: true };
    }
    return { passed, detached: false };
  };

  it("are found in one piece and in several, and swallowed", () => {
    expect(typed("ctrl-p,ctrl-q", "ab\x10\x11cd")).toEqual({ passed: "ab", detached: true });
    expect(typed("ctrl-p,ctrl-q", "ab\x10", "\x11")).toEqual({ passed: "ab", detached: true });
    expect(typed("ctrl-@,x", "\0x")).toEqual({ passed: "", detached: true });
  });

  it("pass when they do not complete the sequence", () => {
    expect(typed("ctrl-p,ctrl-q", "\x10a\x11")).toEqual({ passed: "\x10a\x11", detached: false });
    expect(typed("ctrl-p,ctrl-q", "\x10\x10\x11")).toEqual({ passed: "\x10", detached: true });
  });

  it.each(["", "ctrl-", "ctrl-1", "ab", "a,,b"])("cannot be %j", (keys) => {
    expect(() => parseDetachKeys(keys)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("a moment", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  it.each([
    ["2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"],
    ["2026-01-01T10:00:00.5+02:00", "2026-01-01T08:00:00.5Z"],
    ["1767225600", "2026-01-01T00:00:00Z"],
    ["1767225600.25", "2026-01-01T00:00:00.25Z"],
    ["90m", "2026-01-01T22:30:00Z"],
  ])("%s is %s", (text, expected) => expect(parseMoment(text, now)).toBe(Date.parse(expected)));
  it("is refused if it is none", () => {
    expect(() => parseMoment("yesterday", now)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

it("the status column says what Docker's says", () => {
  const now = Date.parse("2026-01-01T01:00:00Z");
  const base = { pid: 0, startedAt: NEVER, finishedAt: NEVER, exitCode: 0, oomKilled: false, error: "" };
  expect(statusText({ ...base, state: "created" }, now)).toBe("Created");
  expect(statusText({ ...base, state: "running", startedAt: "2026-01-01T00:55:00Z" }, now)).toBe("Up 5 minutes");
  expect(statusText({ ...base, state: "exited", exitCode: 3, finishedAt: "2026-01-01T00:00:00Z" }, now)).toBe(
    "Exited (3) About an hour ago",
  );
});
