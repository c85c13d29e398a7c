import { release } from "node:os";
import { GantryError } from "../errors/index.ts";
import type { OciSeccomp, OciSeccompSyscall } from "./oci-types.ts";
import { AUDIT_ARCHITECTURES } from "./seccomp-rules.ts";

/** A profile in Docker's format: OCI's, with conditions and a map of architectures. */
interface ProfileFile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  archMap?: { architecture: string; subArchitectures?: string[] }[];
  flags?: string[];
  syscalls?: ProfileRule[];
}

interface ProfileRule extends Omit<OciSeccompSyscall, "names" | "args"> {
  name?: string;
  names?: string[];
  args?: OciSeccompSyscall["args"] | null;
  includes?: ProfileCondition;
  excludes?: ProfileCondition;
}

interface ProfileCondition {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}

/** Docker's name of a processor, by node's. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/**
 * Reads a seccomp profile in Docker's format for a container with these capabilities on this machine.
 * @throws SECCOMP_PROFILE_INVALID
 */
export function parseSeccompProfile(
  text: string,
  capabilities: readonly string[],
  architecture: string = process.arch,
): OciSeccomp {
  const profile = parse(text);
  const native = AUDIT_ARCHITECTURES[architecture]?.[0];
  const mapped = profile.archMap?.find((entry) => entry.architecture === native);
  const architectures =
    mapped === undefined ? profile.architectures : [mapped.architecture, ...(mapped.subArchitectures ?? [])];
  const applies = (rule: ProfileRule): boolean => {
    const { includes, excludes } = rule;
    return included(includes, capabilities, architecture) && !excluded(excludes, capabilities, architecture);
  };
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures === undefined || architectures.length === 0 ? {} : { architectures }),
    ...(profile.flags === undefined ? {} : { flags: profile.flags }),
    syscalls: (profile.syscalls ?? []).filter(applies).map((rule) => ({
      names: rule.names ?? (rule.name === undefined ? [] : [rule.name]),
      action: rule.action,
      ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
      ...(rule.args === undefined || rule.args === null || rule.args.length === 0 ? {} : { args: rule.args }),
    })),
  };
}

function parse(text: string): ProfileFile {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (cause) {
    throw invalid("it is not JSON", cause);
  }
  const { defaultAction, syscalls } = (profile ?? {}) as Partial<ProfileFile>;
  if (typeof defaultAction !== "string") throw invalid("it has no defaultAction");
  if (syscalls !== undefined && !Array.isArray(syscalls)) throw invalid("its syscalls are no list");
  return profile as ProfileFile;
}

function included(condition: ProfileCondition | undefined, capabilities: readonly string[], arch: string): boolean {
  const { caps = [], arches = [], minKernel } = condition ?? {};
  if (arches.length > 0 && !arches.includes(GO_ARCHITECTURES[arch] ?? arch)) return false;
  if (!caps.every((name) => capabilities.includes(name))) return false;
  return minKernel === undefined || kernelIsAtLeast(minKernel);
}

/** Any one match excludes. */
function excluded(condition: ProfileCondition | undefined, capabilities: readonly string[], arch: string): boolean {
  const { caps = [], arches = [], minKernel } = condition ?? {};
  if (arches.includes(GO_ARCHITECTURES[arch] ?? arch)) return true;
  if (caps.some((name) => capabilities.includes(name))) return true;
  return minKernel !== undefined && kernelIsAtLeast(minKernel);
}

function kernelIsAtLeast(wanted: string): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number.parseFloat);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number.parseFloat);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function invalid(why: string, cause?: unknown): GantryError {
  return new GantryError("SECCOMP_PROFILE_INVALID", `cannot use the seccomp profile: ${why}`, {
    remedy: "Give a profile in Docker's format, or seccomp=unconfined.",
    ...(cause === undefined ? {} : { cause }),
  });
}
