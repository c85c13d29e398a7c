import { ALL_CAPABILITIES, containerCapabilities } from "./capabilities.ts";
import type { ContainerPaths } from "./container-paths.ts";
import type { ContainerRecord, HostConfig } from "./container-record.ts";
import { ALL_DEVICES, DEFAULT_DEVICE_RULES } from "./default-devices.ts";
import { DEFAULT_SHM_SIZE, defaultMounts } from "./default-mounts.ts";
import { MASKED_PATHS, READONLY_PATHS } from "./default-paths.ts";
import { containerEnvironment } from "./environment.ts";
import type { OciLinux, OciProcess, OciResources, OciSeccomp, OciSpec } from "./oci-types.ts";
import { parseSeccompProfile } from "./seccomp-file.ts";
import { defaultSeccompProfile } from "./seccomp-profile.ts";
import { parseSecurityOptions } from "./security-options.ts";

/** Where the engine's cgroups are, in each hierarchy. */
const CGROUP_PARENT = "/gantry";

export function cgroupsPathOf(id: string): string {
  return `${CGROUP_PARENT}/${id}`;
}

/** What a spec needs to know beyond the record. */
export interface SpecInput {
  paths: ContainerPaths;
  /** Capabilities of this process: `ALL` and `--privileged` mean these. */
  availableCapabilities?: readonly string[];
}

/**
 * The OCI runtime configuration of a container (runtime-spec 1.0.2): the same isolation as Docker's default. Pure.
 * @throws CAPABILITY_INVALID, SECCOMP_PROFILE_INVALID, USAGE for what `create` would have refused
 */
export function ociSpec(record: ContainerRecord, input: SpecInput): OciSpec {
  const { config, hostConfig } = record;
  const privileged = hostConfig.Privileged === true;
  return {
    ociVersion: "1.0.2",
    process: processOf(record, input),
    root: { path: input.paths.rootfs, ...(hostConfig.ReadonlyRootfs === true ? { readonly: true } : {}) },
    hostname: config.Hostname,
    ...(config.Domainname === "" ? {} : { domainname: config.Domainname }),
    mounts: defaultMounts(input.paths, {
      privileged,
      readonlyRootfs: hostConfig.ReadonlyRootfs === true,
      shmSizeBytes: hostConfig.ShmSize ?? DEFAULT_SHM_SIZE,
    }),
    linux: linuxOf(record, input),
  };
}

function processOf(record: ContainerRecord, input: SpecInput): OciProcess {
  const { config, hostConfig, user } = record;
  const capabilities = capabilitiesOf(hostConfig, input);
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const [width, height] = hostConfig.ConsoleSize ?? [0, 0];
  return {
    ...(config.Tty ? { terminal: true } : {}),
    ...(config.Tty && width > 0 && height > 0 ? { consoleSize: { width, height } } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: record.args,
    env: containerEnvironment({
      configured: config.Env ?? [],
      hostname: config.Hostname,
      home: user.home,
      terminal: config.Tty,
    }),
    cwd: config.WorkingDir === undefined || config.WorkingDir === "" ? "/" : config.WorkingDir,
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: [],
      ambient: [],
    },
    noNewPrivileges: security.noNewPrivileges,
    ...(hostConfig.OomScoreAdj === undefined ? {} : { oomScoreAdj: hostConfig.OomScoreAdj }),
  };
}

function linuxOf(record: ContainerRecord, input: SpecInput): OciLinux {
  const { hostConfig } = record;
  const privileged = hostConfig.Privileged === true;
  const hostNetwork = hostConfig.NetworkMode === "host";
  const seccomp = seccompOf(hostConfig, input);
  return {
    namespaces: [
      { type: "mount" },
      ...(hostNetwork ? [] : [{ type: "network" }]),
      { type: "uts" },
      { type: "pid" },
      { type: "ipc" },
      { type: "cgroup" },
    ],
    cgroupsPath: cgroupsPathOf(record.id),
    resources: resourcesOf(hostConfig),
    // Unprivileged users may bind low ports and ping in a network of the container's own, as Docker lets them.
    ...(hostNetwork
      ? {}
      : {
          sysctl: {
            "net.ipv4.ip_unprivileged_port_start": "0",
            "net.ipv4.ping_group_range": "0 2147483647",
          },
        }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(privileged ? {} : { maskedPaths: MASKED_PATHS, readonlyPaths: READONLY_PATHS }),
  };
}

function resourcesOf(hostConfig: HostConfig): OciResources {
  const memory = {
    ...(hostConfig.Memory ? { limit: hostConfig.Memory } : {}),
    ...(hostConfig.MemorySwap ? { swap: hostConfig.MemorySwap } : {}),
    ...(hostConfig.MemoryReservation ? { reservation: hostConfig.MemoryReservation } : {}),
  };
  const cpu = {
    ...(hostConfig.CpuShares ? { shares: hostConfig.CpuShares } : {}),
    ...(hostConfig.NanoCpus ? { quota: Math.round(hostConfig.NanoCpus / 10_000), period: 100_000 } : {}),
    ...(hostConfig.CpusetCpus ? { cpus: hostConfig.CpusetCpus } : {}),
  };
  return {
    devices: [...(hostConfig.Privileged === true ? ALL_DEVICES : DEFAULT_DEVICE_RULES)],
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(hostConfig.PidsLimit === undefined || hostConfig.PidsLimit === 0
      ? {}
      : { pids: { limit: hostConfig.PidsLimit } }),
  };
}

function capabilitiesOf(hostConfig: HostConfig, input: SpecInput): string[] {
  return containerCapabilities(
    { add: hostConfig.CapAdd, drop: hostConfig.CapDrop, privileged: hostConfig.Privileged },
    input.availableCapabilities ?? ALL_CAPABILITIES,
  );
}

function seccompOf(hostConfig: HostConfig, input: SpecInput): OciSeccomp | undefined {
  const { seccomp } = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  if (seccomp === "unconfined") return undefined;
  if (seccomp === undefined && hostConfig.Privileged === true) return undefined;
  const capabilities = capabilitiesOf(hostConfig, input);
  return seccomp === undefined ? defaultSeccompProfile(capabilities) : parseSeccompProfile(seccomp, capabilities);
}
