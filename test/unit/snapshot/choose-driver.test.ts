import { describe, expect, it } from "vitest";
import { isGantryError } from "../../../src/errors/index.ts";
import { chooseDriver, type DriverFacts, driverFacts } from "../../../src/snapshot/choose-driver.ts";

const able: DriverFacts = { kernelRelease: "6.12.0-1-amd64", hasErofs: true, mayMount: true, hasLoopDevices: true };
const codeOf = (requested: string, facts: DriverFacts): string => {
  try {
    return chooseDriver(requested, facts).driver;
  } catch (error) {
    return isGantryError(error) ? error.code : "?";
  }
};

describe("choosing a snapshot driver", () => {
  it.each<[string, Partial<DriverFacts>, string, string]>([
    ["EROFS files where the kernel mounts them", {}, "erofs", "mounts EROFS files"],
    ["the same on a kernel with a longer version", { kernelRelease: "10.0.3" }, "erofs", "mounts EROFS files"],
    [
      "EROFS through loop devices on an older kernel",
      { kernelRelease: "6.8.0-generic" },
      "erofs-loop",
      "older than 6.12",
    ],
    ["unpacking on one that is older still", { kernelRelease: "6.3.9" }, "unpack", "older than 6.12"],
    [
      "unpacking where such a kernel has no loop devices",
      { kernelRelease: "6.8.0", hasLoopDevices: false },
      "unpack",
      "older",
    ],
    ["unpacking without EROFS", { hasErofs: false }, "unpack", "no EROFS"],
    ["unpacking without the right to mount", { mayMount: false }, "unpack", "only root"],
    ["unpacking where the version cannot be read", { kernelRelease: "unknown" }, "unpack", "older"],
  ])("takes %s", (_, facts, driver, reason) => {
    const choice = chooseDriver(undefined, { ...able, ...facts });
    expect(choice.driver).toBe(driver);
    expect(choice.reason).toContain(reason);
  });

  it("takes what is asked for, or refuses, but never something else", () => {
    for (const driver of ["erofs", "erofs-loop", "unpack"]) expect(codeOf(driver, able)).toBe(driver);
    expect(codeOf("erofs", { ...able, kernelRelease: "6.11.9" })).toBe("SNAPSHOTTER_UNSUPPORTED");
    expect(codeOf("erofs-loop", { ...able, hasLoopDevices: false })).toBe("SNAPSHOTTER_UNSUPPORTED");
    expect(codeOf("erofs-loop", { ...able, kernelRelease: "6.3.1" })).toBe("SNAPSHOTTER_UNSUPPORTED");
    expect(codeOf("erofs", { ...able, mayMount: false })).toBe("SNAPSHOTTER_UNSUPPORTED");
    expect(codeOf("unpack", { ...able, hasErofs: false, mayMount: false })).toBe("unpack");
    expect(codeOf("overlay2", able)).toBe("USAGE");
    expect(codeOf("", able)).toBe("erofs");
  });

  it("reads this machine's facts", () => {
    const facts = driverFacts();
    expect(facts.kernelRelease).toMatch(/^\d+\.\d+/);
    expect(typeof facts.mayMount).toBe("boolean");
  });
});
