import type { OciSeccomp, OciSeccompSyscall } from "./oci-types.ts";
import {
  AF_VSOCK,
  ALLOWED_ALWAYS,
  ALLOWED_BY_ARCHITECTURE,
  ALLOWED_BY_CAPABILITY,
  ALLOWED_PERSONALITIES,
  AUDIT_ARCHITECTURES,
  CLONE_NAMESPACE_FLAGS,
  ENOSYS,
} from "./seccomp-rules.ts";

/**
 * The default profile as the `linux.seccomp` section of an OCI config (runtime-spec, config-linux.md, "Seccomp"),
 * for a container with these capabilities.
 *
 * @param architecture as `process.arch` names it; undefined is returned for one that has no profile
 */
export function defaultSeccompProfile(
  capabilities: readonly string[],
  architecture: string = process.arch,
): OciSeccomp | undefined {
  const architectures = AUDIT_ARCHITECTURES[architecture];
  if (architectures === undefined) return undefined;
  const allowed = words(`${ALLOWED_ALWAYS} ${ALLOWED_BY_ARCHITECTURE[architecture] ?? ""}`);
  for (const capability of capabilities) allowed.push(...words(ALLOWED_BY_CAPABILITY[capability] ?? ""));
  const syscalls: OciSeccompSyscall[] = [
    { names: [...new Set(allowed)], action: "SCMP_ACT_ALLOW" },
    { names: ["socket"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: AF_VSOCK, op: "SCMP_CMP_NE" }] },
    ...ALLOWED_PERSONALITIES.map((value): OciSeccompSyscall => ({
      names: ["personality"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value, op: "SCMP_CMP_EQ" }],
    })),
  ];
  if (!capabilities.includes("CAP_SYS_ADMIN")) {
    // valueTwo is left out, as Docker does: (flags & mask) == 0.
    syscalls.push({
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: CLONE_NAMESPACE_FLAGS, op: "SCMP_CMP_MASKED_EQ" }],
    });
    syscalls.push({ names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS });
  }
  return { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1, architectures: [...architectures], syscalls };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
