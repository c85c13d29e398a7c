import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { fileError, GantryError } from "../../../src/errors/index.ts";

const thrownBy = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

describe("an error of a file", () => {
  it("has the details that native calls give", () => {
    const cause = thrownBy(() => readFileSync("/proc/self/nowhere"));
    expect(fileError(cause, "layer 3")).toMatchObject({
      code: "SYSTEM_CALL_FAILED",
      message: expect.stringMatching(/^layer 3: ENOENT/) as string,
      details: { step: "open", errno: constants.errno.ENOENT, name: "ENOENT", path: "/proc/self/nowhere" },
      cause,
    });
  });

  it("says that space is short where it is", () => {
    const cause = Object.assign(new Error("full"), { code: "ENOSPC", syscall: "write", errno: -28 });
    expect(fileError(cause, "layer 3")).toMatchObject({ code: "NO_SPACE" });
  });

  it("gets the label put before gantry's own message, once, and keeps the rest", () => {
    const own = new GantryError("TAR_INVALID", "bad header", { remedy: "Mend it.", details: { entry: 1 } });
    const named = fileError(own, "a.tar") as GantryError;
    expect(named).toMatchObject({ code: "TAR_INVALID", message: "a.tar: bad header", remedy: "Mend it." });
    expect(named.details).toEqual({ entry: 1 });
    expect(fileError(named, "a.tar")).toBe(named);
  });

  it("leaves alone what is no error of a file", () => {
    const bug = new TypeError("x is not a function");
    expect(fileError(bug, "a.tar")).toBe(bug);
  });
});
