import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ContainerPaths } from "../../../src/runtime/container-paths.ts";
import { runtimeProgram } from "../../../src/runtime/runtime-program.ts";
import { readReady } from "../../../src/runtime/shim-process.ts";
import { StoreLayout } from "../../../src/store/layout.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-ready-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const ready = (said: string): Promise<number> => {
  writeFileSync(join(directory, "ready"), said);
  return readReady(
    openSync(join(directory, "ready"), "r"),
    new ContainerPaths(new StoreLayout(directory), "c".repeat(64)),
  );
};

describe("what a shim says when it is ready", () => {
  it("is the process id of the container", async () => {
    expect(await ready('{"pid":42}\n')).toBe(42);
  });

  it("is why the container does not run", async () => {
    const said = '{"error":{"step":"exec","errno":2,"message":"executable file not found"}}\n';
    await expect(ready(said)).rejects.toMatchObject({ code: "COMMAND_NOT_FOUND" });
  });

  it("is nothing if it died, and never taken for more than it is", async () => {
    await expect(ready("")).rejects.toMatchObject({ code: "CONTAINER_START_FAILED" });
    await expect(ready("Segmentation fault\n")).rejects.toMatchObject({
      code: "SHIM_FAILED",
      message: expect.stringContaining('"Segmentation fault"') as string,
    });
  });
});

describe("the program of a runtime", () => {
  it.each(["no-such-runtime", "/nowhere/runc"])("that is not there (%s) is refused by its name", (name) => {
    expect(() => runtimeProgram(name)).toThrow(
      expect.objectContaining({ code: "RUNTIME_NOT_FOUND", details: { runtime: name } }),
    );
  });

  it("may be a path", () => {
    expect(runtimeProgram(process.execPath)).toEqual({ path: process.execPath, args: [] });
  });
});
