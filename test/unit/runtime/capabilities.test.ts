import { expect, it } from "vitest";
import {
  ALL_CAPABILITIES,
  capabilitiesOfMask,
  containerCapabilities,
  DEFAULT_CAPABILITIES,
} from "../../../src/runtime/capabilities.ts";

const changed = (add: string[], drop: string[]): string[] => containerCapabilities({ add, drop }, ALL_CAPABILITIES);

it("gives Docker's fourteen capabilities by default", () => {
  expect(changed([], [])).toEqual(DEFAULT_CAPABILITIES);
  expect(DEFAULT_CAPABILITIES).toHaveLength(14);
});

it("adds and drops by any spelling", () => {
  expect(changed(["sys_admin"], ["CAP_KILL", "Mknod"])).toEqual([
    ...DEFAULT_CAPABILITIES.filter((name) => name !== "CAP_KILL" && name !== "CAP_MKNOD"),
    "CAP_SYS_ADMIN",
  ]);
});

it("understands ALL in both lists", () => {
  expect(changed([], ["ALL"])).toEqual([]);
  expect(changed(["NET_ADMIN"], ["all"])).toEqual(["CAP_NET_ADMIN"]);
  expect(changed(["ALL"], ["SYS_TIME"])).toEqual(ALL_CAPABILITIES.filter((name) => name !== "CAP_SYS_TIME"));
});

it("takes ALL and privileged for what this process has itself", () => {
  const available = ["CAP_CHOWN", "CAP_SYS_ADMIN"];
  expect(containerCapabilities({ add: ["ALL"] }, available)).toEqual(available);
  expect(containerCapabilities({ privileged: true }, available)).toEqual(available);
});

it("refuses a name that Linux does not know", () => {
  expect(() => changed(["SYS_NONSENSE"], [])).toThrow(expect.objectContaining({ code: "CAPABILITY_INVALID" }));
});

it("reads a mask as /proc shows it", () => {
  expect(capabilitiesOfMask("00000000a80425fb").toSorted()).toEqual(DEFAULT_CAPABILITIES.toSorted());
  expect(capabilitiesOfMask("000001ffffffffff")).toEqual(ALL_CAPABILITIES);
});
