import { describe, expect, it } from "vitest";
import { ERROR_KINDS, type ErrorKind } from "../../../src/errors/codes.ts";
import { exitStatusOf } from "../../../src/errors/exit-status.ts";

/** Statuses of a command, and of one that runs a container, as Docker's are. */
const STATUSES: Record<ErrorKind, [plain: number, running: number]> = {
  usage: [1, 125],
  invalid: [1, 125],
  "not-found": [1, 125],
  conflict: [1, 125],
  unsupported: [1, 125],
  resource: [1, 125],
  system: [1, 125],
  internal: [1, 125],
  "command-not-executable": [126, 126],
  "command-not-found": [127, 127],
  cancelled: [130, 130],
};

describe("the exit status of a failure", () => {
  it.each(Object.entries(STATUSES))("of kind %s is that of Docker", (kind, [plain, running]) => {
    expect(exitStatusOf(kind as ErrorKind)).toBe(plain);
    expect(exitStatusOf(kind as ErrorKind, { runsContainer: false })).toBe(plain);
    expect(exitStatusOf(kind as ErrorKind, { runsContainer: true })).toBe(running);
  });

  it("is decided for every kind that a code has", () => {
    expect(Object.values(ERROR_KINDS).filter((kind) => !(kind in STATUSES))).toEqual([]);
  });
});
