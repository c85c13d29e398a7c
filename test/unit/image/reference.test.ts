import { describe, expect, it } from "vitest";
import {
  familiarParts,
  familiarReference,
  formatReference,
  fullTagName,
  parseReference,
} from "../../../src/image/reference.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

describe("references are read as Docker reads them", () => {
  it.each([
    ["busybox", "docker.io/library/busybox"],
    ["busybox:1.36", "docker.io/library/busybox:1.36"],
    ["user/app", "docker.io/user/app"],
    ["docker.io/busybox", "docker.io/library/busybox"],
    ["index.docker.io/library/busybox:x", "docker.io/library/busybox:x"],
    ["localhost/app", "localhost/app"],
    ["localhost:5000/app:v1", "localhost:5000/app:v1"],
    ["quay.io/a/b/c", "quay.io/a/b/c"],
    ["UPPER/app", "UPPER/app"],
    ["[::1]:5000/app", "[::1]:5000/app"],
    ["a__b/c-d.e---f", "docker.io/a__b/c-d.e---f"],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
    [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`],
  ])("%s is %s", (text, full) => {
    expect(formatReference(parseReference(text))).toBe(full);
  });

  it.each([
    "",
    ":tag",
    "Busybox",
    "a//b",
    "a/",
    "/a",
    "-a",
    "a:",
    "a:-x",
    `a:${"t".repeat(129)}`,
    "a@sha256:12",
    "a@md5:00",
    "a b",
    "a\0b",
    "a/B",
    "exam_ple.com/a",
    "../a",
    "a/../b",
    "f".repeat(64),
    `${"x/".repeat(130)}y`,
  ])("%j is refused", (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
  });

  it("a tag name gets latest, and no digest", () => {
    expect(fullTagName("busybox")).toBe("docker.io/library/busybox:latest");
    expect(() => fullTagName(`busybox@${DIGEST}`)).toThrow(/digest/);
  });

  it.each([
    ["docker.io/library/busybox:latest", "busybox:latest", "busybox", "latest"],
    ["docker.io/user/app:1", "user/app:1", "user/app", "1"],
    ["docker.io/library/a/b:1", "library/a/b:1", "library/a/b", "1"],
    ["localhost:5000/app:v", "localhost:5000/app:v", "localhost:5000/app", "v"],
  ])("%s is shown as %s", (full, familiar, repository, tag) => {
    expect(familiarReference(full)).toBe(familiar);
    expect(familiarParts(full)).toEqual({ repository, tag });
  });
});
