import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { applyChanges } from "../../../src/image/instructions/apply-changes.ts";
import type { RunConfig } from "../../../src/image/types.ts";

/**
 * What Docker 20.10 made of each list of changes: its error, or the fields that differ, in an import, in a commit (the
 * same if it is not there), and in a commit of a container with an entrypoint (again).
 */
interface Recorded {
  base: RunConfig;
  entrypointBase: RunConfig;
  cases: { changes: string[]; import: Outcome; commit?: Outcome; entrypoint?: Outcome }[];
}
type Outcome = string | RunConfig;

const recorded = JSON.parse(
  readFileSync(new URL("../../golden/docker-changes.json", import.meta.url), "utf8"),
) as Recorded;

/** Without fields that are as good as absent. */
function said(config: RunConfig): object {
  const fields = Object.entries(config as Record<string, unknown>);
  return Object.fromEntries(
    fields.filter(([, value]) => value !== null && value !== "" && Object.keys(value as object).length > 0),
  );
}

/** What newer engines know and 20.10 refused, and what it ignored. */
const OURS = /^STOPSIGNAL|--start-interval|\$\{x-dd\}|^(CMD|ENTRYPOINT) \[\]$|^ENTRYPOINT$/;

describe("changes do what they do with Docker", () => {
  const cases = recorded.cases.filter(({ changes }) => !OURS.test(changes.join("\n")));

  it.each(cases.map((c) => [JSON.stringify(c.changes), c] as const))("%s", (_name, wanted) => {
    const { changes, import: imported, commit = imported, entrypoint = commit } = wanted;
    expectOutcome({}, changes, imported);
    expectOutcome(recorded.base, changes, commit);
    expectOutcome(recorded.entrypointBase, changes, entrypoint);
  });

  function expectOutcome(base: RunConfig, changes: string[], outcome: Outcome): void {
    if (typeof outcome !== "string") {
      expect(said(applyChanges(base, changes))).toEqual(said({ ...base, ...outcome }));
      return;
    }
    const message = expect.stringContaining(outcome.replace(/^strconv.ParseInt: /, "")) as string;
    expect(() => applyChanges(base, changes)).toThrow(
      expect.objectContaining({ code: "INSTRUCTION_INVALID", message }),
    );
  }
});

describe("changes beyond Docker's", () => {
  const base: RunConfig = { Entrypoint: ["e"], Cmd: ["c"], Env: ["A=1", "B="], Shell: ["/bin/bash", "-c"] };

  it.each<[string, RunConfig]>([
    ["ENTRYPOINT []", { Entrypoint: [] }],
    ["CMD []", { Cmd: [] }],
    ["CMD a b", { Cmd: ["/bin/bash", "-c", "a b"] }],
    ["STOPSIGNAL SIGQUIT", { StopSignal: "SIGQUIT" }],
    ["STOPSIGNAL rtmin+3", { StopSignal: "rtmin+3" }],
    ["ENV C=${A-x}${B-x}${D-x}", { Env: ["A=1", "B=", "C=1x"] }],
    ["ENV C=${A+x}${B+y}${D+z} D=${B:+q}", { Env: ["A=1", "B=", "C=xy", "D="] }],
    ["HEALTHCHECK --start-interval=2s CMD x", { Healthcheck: { StartInterval: 2e9, Test: ["CMD-SHELL", "x"] } }],
    ["# a comment\nENV C=1 \\\n  # another\n\n  D=2\n\nUSER u", { Env: ["A=1", "B=", "C=1", "D=2"], User: "u" }],
  ])("%j", (change, expected) => {
    expect(applyChanges(base, [change])).toEqual({ ...base, ...expected });
  });

  it.each(["STOPSIGNAL 65", "STOPSIGNAL -1", "STOPSIGNAL $A$A$A", "ENV C=${", "ENV C=${}", "CMD --flag x", "ENV C='x"])(
    "refuses %j",
    (change) => {
      expect(() => applyChanges(base, [change])).toThrow(expect.objectContaining({ code: "INSTRUCTION_INVALID" }));
    },
  );

  it("leaves the config that it was given alone", () => {
    const before = JSON.stringify(base);
    applyChanges(base, ["ENV B=c", "LABEL x=y", "EXPOSE 1", "VOLUME /v", "ENTRYPOINT x"]);
    expect(JSON.stringify(base)).toBe(before);
  });
});
