import { expect, it } from "vitest";
import { resolveContainerUser } from "../../../src/runtime/container-user.ts";

const files = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "# a comment",
    "web:x:33:34:web:/var/www:/bin/false",
    "1000:x:7:8::/digits:/bin/sh",
    "broken:x:notanumber:1:::",
    "bare:x:50:51",
    "",
  ].join("\n"),
  group: "root:x:0:\nwww:x:34:\nstaff:x:60:web,root\nextra:x:61:web\n",
};
const resolve = (spec: string): unknown => resolveContainerUser(spec, files);

it("is root without a wish, with root's groups", () => {
  expect(resolve("")).toEqual({ uid: 0, gid: 0, additionalGids: [0, 60], home: "/root" });
});

it("is found by name, with its own group and those that list it", () => {
  expect(resolve("web")).toEqual({ uid: 33, gid: 34, additionalGids: [34, 60, 61], home: "/var/www" });
});

it("is found by number where the image knows it", () => {
  expect(resolve("33")).toEqual({ uid: 33, gid: 34, additionalGids: [34, 60, 61], home: "/var/www" });
});

it("may be a number that the image does not know", () => {
  expect(resolve("4242")).toEqual({ uid: 4242, gid: 0, additionalGids: [0], home: "/" });
  expect(resolve("4242:4343")).toEqual({ uid: 4242, gid: 4343, additionalGids: [4343], home: "/" });
});

it("has the one group that is given, by name or number", () => {
  expect(resolve("web:staff")).toEqual({ uid: 33, gid: 60, additionalGids: [60], home: "/var/www" });
  expect(resolve(":61")).toEqual({ uid: 0, gid: 61, additionalGids: [61], home: "/root" });
});

it("prefers a name that looks like a number, and bears lines that are cut short", () => {
  expect(resolve("1000")).toMatchObject({ uid: 7, gid: 8, home: "/digits" });
  expect(resolve("bare")).toMatchObject({ uid: 50, gid: 51, home: "/" });
});

it("is refused if a name is unknown", () => {
  expect(() => resolve("nobody")).toThrow(expect.objectContaining({ code: "USER_NOT_FOUND" }));
  expect(() => resolve("broken")).toThrow(expect.objectContaining({ code: "USER_NOT_FOUND" }));
  expect(() => resolve("web:nogroup")).toThrow(expect.objectContaining({ code: "GROUP_NOT_FOUND" }));
  expect(() => resolve("99999999999")).toThrow(expect.objectContaining({ code: "USER_NOT_FOUND" }));
});

it("needs no files for numbers", () => {
  const none = { passwd: undefined, group: undefined };
  expect(resolveContainerUser("5:6", none)).toEqual({ uid: 5, gid: 6, additionalGids: [6], home: "/" });
  expect(resolveContainerUser("", none)).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: "/" });
});
