import { describe, expect, it } from "vitest";
import { newContainerId, shortId } from "../../../src/runtime/container-id.ts";
import { hostsFile, resolvConfFile } from "../../../src/runtime/network-files.ts";
import { checkedResources } from "../../../src/runtime/resource-limits.ts";
import { parseSecurityOptions } from "../../../src/runtime/security-options.ts";
import { signalNumber } from "../../../src/runtime/signals.ts";
import { startFailure } from "../../../src/runtime/start-failure.ts";
import { timestampNow } from "../../../src/runtime/timestamp.ts";

it("ids are 64 hexadecimal digits whose short form is no number", () => {
  const ids = Array.from({ length: 200 }, () => newContainerId());
  expect(new Set(ids).size).toBe(200);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(shortId(id)).toMatch(/[a-f]/);
  }
});

it("timestamps have nine digits after the point", () => {
  expect(timestampNow()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
});

describe("signals", () => {
  it.each([
    ["9", 9],
    ["KILL", 9],
    ["sigterm", 15],
    ["RTMIN+3", 37],
    ["SIGRTMAX-1", 63],
    ["rtmin", 34],
  ])("%s is %i", (given, number) => expect(signalNumber(given)).toBe(number));
  it.each(["", "0", "65", "NOPE", "RTMAX+1", "-9", "RTMIN+40"])("%j is none", (given) => {
    expect(() => signalNumber(given)).toThrow(expect.objectContaining({ code: "SIGNAL_INVALID" }));
  });
});

describe("resolv.conf", () => {
  it("is the host's own in the host's network", () => {
    expect(resolvConfFile("nameserver 127.0.0.53\n", true)).toBe("nameserver 127.0.0.53\n");
  });
  it("loses name servers on loopback, and gets public ones where none is left", () => {
    expect(resolvConfFile("search a\nnameserver 127.0.0.53\nnameserver 10.0.0.1\n", false)).toBe(
      "search a\nnameserver 10.0.0.1\n",
    );
    expect(resolvConfFile("nameserver ::1\n", false)).toBe("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
  });
});

it("hosts names the container only where it has an address", () => {
  expect(hostsFile({ hostname: "c", domainname: "" })).not.toContain("c\n");
  expect(hostsFile({ hostname: "c", domainname: "d.e", address: "172.17.0.2" })).toMatch(/172\.17\.0\.2\tc\.d\.e c\n$/);
});

describe("resources", () => {
  const host = { NetworkMode: "none" };
  it("allow as much swap as memory unless told otherwise", () => {
    expect(checkedResources({ ...host, Memory: 64 << 20 }).MemorySwap).toBe(128 << 20);
    expect(checkedResources({ ...host, Memory: 64 << 20, MemorySwap: -1 }).MemorySwap).toBe(-1);
  });
  it.each([
    { Memory: 1 << 20 },
    { MemorySwap: 64 << 20 },
    { Memory: 64 << 20, MemorySwap: 32 << 20 },
    { Memory: 64 << 20, MemoryReservation: 65 << 20 },
    { NanoCpus: 1e15 },
    { NanoCpus: -1 },
  ])("refuse %j", (wish) => {
    expect(() => checkedResources({ ...host, ...wish })).toThrow(
      expect.objectContaining({ code: "CONTAINER_CONFIG_INVALID" }),
    );
  });
});

describe("security options", () => {
  it("come in both spellings", () => {
    expect(parseSecurityOptions(["no-new-privileges", "seccomp:unconfined"])).toEqual({
      noNewPrivileges: true,
      seccomp: "unconfined",
    });
    expect(parseSecurityOptions(["no-new-privileges=false", 'seccomp={"a":1}', "label=disable"])).toEqual({
      noNewPrivileges: false,
      seccomp: '{"a":1}',
    });
  });
  it.each(["nonsense", "seccomp", "seccomp=", "no-new-privileges=maybe", "apparmor=mine"])("refuse %s", (option) => {
    expect(() => parseSecurityOptions([option])).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("a failed start", () => {
  it.each([
    [{ step: "exec", errno: 2, message: 'exec: "x": executable file not found in $PATH' }, "COMMAND_NOT_FOUND"],
    [{ step: "execve", errno: 13, message: "permission denied" }, "COMMAND_NOT_EXECUTABLE"],
    [{ message: 'runc create failed: exec: "x": executable file not found in $PATH: unknown' }, "COMMAND_NOT_FOUND"],
    [{ message: 'unable to start container process: exec: "/etc": is a directory' }, "COMMAND_NOT_EXECUTABLE"],
    [{ message: "executable file `x` not found in $PATH: No such file or directory" }, "COMMAND_NOT_FOUND"],
    [{ step: "mount", errno: 2, message: "mount /x: no such file or directory" }, "CONTAINER_START_FAILED"],
    [{ step: "lock" }, "CONTAINER_RUNNING"],
  ])("%j is %s", (failure, code) => expect(startFailure("id", failure).code).toBe(code));
});
