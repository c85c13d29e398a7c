import { describe, expect, it } from "vitest";
import { DEFAULT_CAPABILITIES } from "../../../src/runtime/capabilities.ts";
import type { OciSeccomp, OciSeccompSyscall } from "../../../src/runtime/oci-types.ts";
import { parseSeccompProfile } from "../../../src/runtime/seccomp-file.ts";
import { defaultSeccompProfile } from "../../../src/runtime/seccomp-profile.ts";

const profileOf = (capabilities: readonly string[], arch = "x64"): OciSeccomp =>
  defaultSeccompProfile(capabilities, arch) as OciSeccomp;
const rulesFor = (profile: OciSeccomp, name: string): OciSeccompSyscall[] =>
  profile.syscalls.filter((rule) => rule.names.includes(name));

describe("the default profile", () => {
  const profile = profileOf(DEFAULT_CAPABILITIES);

  it("refuses what it does not name, with EPERM", () => {
    expect(profile.defaultAction).toBe("SCMP_ACT_ERRNO");
    expect(profile.defaultErrnoRet).toBe(1);
    for (const name of ["reboot", "init_module", "kexec_load", "mount", "bpf", "io_uring_setup", "add_key", "swapon"]) {
      expect(rulesFor(profile, name), name).toEqual([]);
    }
  });

  it("allows what every program needs, and what the default capabilities are for", () => {
    for (const name of [
      "read",
      "execve",
      "openat2",
      "clone",
      "futex",
      "statx",
      "rseq",
      "ptrace",
      "chroot",
      "close_range",
    ]) {
      expect(rulesFor(profile, name), name).not.toEqual([]);
    }
  });

  it("lets no process make namespaces without CAP_SYS_ADMIN", () => {
    expect(rulesFor(profile, "clone")).toEqual([
      { names: ["clone"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: 0x7e020000, op: "SCMP_CMP_MASKED_EQ" }] },
    ]);
    expect(rulesFor(profile, "clone3")).toEqual([{ names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }]);
    const admin = profileOf([...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"]);
    expect(rulesFor(admin, "clone3").map((rule) => rule.action)).toEqual(["SCMP_ACT_ALLOW"]);
    expect(rulesFor(admin, "mount")).toHaveLength(1);
    expect(rulesFor(admin, "clone").every((rule) => rule.args === undefined)).toBe(true);
  });

  it("knows the other architectures that a processor runs", () => {
    expect(profile.architectures).toEqual(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
    expect(profileOf([], "arm64").architectures).toEqual(["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
    expect(rulesFor(profileOf([], "arm64"), "arch_prctl")).toEqual([]);
    expect(defaultSeccompProfile([], "mips")).toBeUndefined();
  });
});

describe("a profile from a file", () => {
  const text = JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
    syscalls: [
      { name: "mkdir", action: "SCMP_ACT_ERRNO", args: [] },
      { names: ["chmod"], action: "SCMP_ACT_ERRNO", errnoRet: 2, includes: { caps: ["CAP_CHOWN"] } },
      { names: ["chown"], action: "SCMP_ACT_ERRNO", excludes: { caps: ["CAP_CHOWN"] } },
      { names: ["ptrace"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "4.8" } },
      { names: ["future"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "999.0" } },
      { names: ["only_arm"], action: "SCMP_ACT_ALLOW", includes: { arches: ["arm64"] } },
    ],
  });

  it("is read with its conditions decided", () => {
    const profile = parseSeccompProfile(text, ["CAP_CHOWN"], "x64");
    expect(profile).toEqual({
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      syscalls: [
        { names: ["mkdir"], action: "SCMP_ACT_ERRNO" },
        { names: ["chmod"], action: "SCMP_ACT_ERRNO", errnoRet: 2 },
        { names: ["ptrace"], action: "SCMP_ACT_ALLOW" },
      ],
    });
    expect(parseSeccompProfile(text, [], "arm64").syscalls.map((rule) => rule.names[0])).toEqual([
      "mkdir",
      "chown",
      "ptrace",
      "only_arm",
    ]);
  });

  it.each(["not json", "[]", "{}", '{"defaultAction":"X","syscalls":3}'])("is refused if it is %s", (bad) => {
    expect(() => parseSeccompProfile(bad, [])).toThrow(expect.objectContaining({ code: "SECCOMP_PROFILE_INVALID" }));
  });
});
