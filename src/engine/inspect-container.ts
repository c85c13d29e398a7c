import { existsSync } from "node:fs";
import { ContainerPaths } from "../runtime/container-paths.ts";
import {
  type ContainerRecord,
  DEFAULT_RUNTIME,
  type HostConfig,
  readContainerRecord,
} from "../runtime/container-record.ts";
import { type ContainerStatus, readContainerStatus } from "../runtime/container-status.ts";
import { DEFAULT_SHM_SIZE } from "../runtime/default-mounts.ts";
import { MASKED_PATHS, READONLY_PATHS } from "../runtime/default-paths.ts";
import { findContainer } from "../runtime/find-container.ts";
import type { StoreLayout } from "../store/layout.ts";
import type { Store } from "../store/store.ts";
import { type ContainerSize, containerSizes } from "./container-size.ts";
import { inspectedConfig } from "./inspected-config.ts";

/** What `docker container inspect` prints of one container, in its order; built from the record and the present state. */
export type ContainerInspection = Record<string, unknown> & { Id: string };

/**
 * A container as Docker's `container inspect` describes it; with `size` the sizes of its files, too.
 * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS, CONTAINER_RECORD_INVALID
 */
export function inspectContainer(store: Store, given: string, options: { size?: boolean } = {}): ContainerInspection {
  const paths = findContainer(store.layout, given);
  const record = readContainerRecord(paths);
  const size = options.size === true ? containerSizes(store)(record) : undefined;
  return describe(store.layout, paths, record, { status: readContainerStatus(paths), size });
}

function describe(
  layout: StoreLayout,
  paths: ContainerPaths,
  record: ContainerRecord,
  { status, size }: { status: ContainerStatus; size: ContainerSize | undefined },
): ContainerInspection {
  const started = existsSync(paths.spec);
  const [path = "", ...args] = record.args;
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: {
      Status: status.state,
      Running: status.state === "running",
      Paused: false,
      Restarting: false,
      OOMKilled: status.oomKilled,
      Dead: false,
      Pid: status.pid,
      ExitCode: status.exitCode,
      Error: status.error,
      StartedAt: status.startedAt,
      FinishedAt: status.finishedAt,
    },
    Image: record.image,
    ResolvConfPath: started ? paths.resolvConf : "",
    HostnamePath: started ? paths.hostname : "",
    HostsPath: started ? paths.hosts : "",
    LogPath: existsSync(paths.log) ? paths.log : "",
    Name: `/${record.name}`,
    RestartCount: 0,
    Driver: record.driver,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: null,
    HostConfig: hostConfigOf(record.hostConfig),
    GraphDriver: {
      Data: {
        LowerDir: record.layers
          .map((diffId) => layout.layerTar(diffId))
          .reverse()
          .join(":"),
        MergedDir: paths.rootfs,
        UpperDir: paths.upper,
        WorkDir: paths.work,
      },
      Name: record.driver,
    },
    ...(size === undefined ? {} : { SizeRw: size.writableBytes, SizeRootFs: size.totalBytes }),
    Mounts: [],
    Config: inspectedConfig({ ...record.config, Env: record.config.Env ?? [], Labels: record.config.Labels ?? {} }),
    NetworkSettings: networkSettingsOf(record.hostConfig),
  };
}

function hostConfigOf(host: HostConfig): Record<string, unknown> {
  const privileged = host.Privileged === true;
  return {
    Binds: null,
    ContainerIDFile: host.ContainerIDFile ?? "",
    LogConfig: { Type: "json-file", Config: {} },
    NetworkMode: host.NetworkMode,
    PortBindings: {},
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    AutoRemove: host.AutoRemove ?? false,
    VolumeDriver: "",
    VolumesFrom: null,
    ConsoleSize: host.ConsoleSize === undefined ? [0, 0] : [host.ConsoleSize[1], host.ConsoleSize[0]],
    CapAdd: host.CapAdd ?? null,
    CapDrop: host.CapDrop ?? null,
    CgroupnsMode: "private",
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: "private",
    Cgroup: "",
    Links: null,
    OomScoreAdj: host.OomScoreAdj ?? 0,
    PidMode: "",
    Privileged: privileged,
    PublishAllPorts: false,
    ReadonlyRootfs: host.ReadonlyRootfs ?? false,
    SecurityOpt: host.SecurityOpt ?? null,
    UTSMode: "",
    UsernsMode: "",
    ShmSize: host.ShmSize ?? DEFAULT_SHM_SIZE,
    Runtime: host.Runtime ?? DEFAULT_RUNTIME,
    Isolation: "",
    CpuShares: host.CpuShares ?? 0,
    Memory: host.Memory ?? 0,
    NanoCpus: host.NanoCpus ?? 0,
    CgroupParent: "",
    BlkioWeight: 0,
    BlkioWeightDevice: [],
    BlkioDeviceReadBps: [],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [],
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: host.CpusetCpus ?? "",
    CpusetMems: "",
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: host.MemoryReservation ?? 0,
    MemorySwap: host.MemorySwap ?? 0,
    MemorySwappiness: null,
    OomKillDisable: null,
    PidsLimit: host.PidsLimit ?? null,
    Ulimits: [],
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    MaskedPaths: privileged ? null : MASKED_PATHS,
    ReadonlyPaths: privileged ? null : READONLY_PATHS,
  };
}

function networkSettingsOf(host: HostConfig): Record<string, unknown> {
  return {
    Bridge: "",
    SandboxID: "",
    SandboxKey: "",
    Ports: {},
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: {
      [host.NetworkMode]: {
        IPAMConfig: null,
        Links: null,
        Aliases: null,
        MacAddress: "",
        DriverOpts: null,
        NetworkID: "",
        EndpointID: "",
        Gateway: "",
        IPAddress: "",
        IPPrefixLen: 0,
        IPv6Gateway: "",
        GlobalIPv6Address: "",
        GlobalIPv6PrefixLen: 0,
        DNSNames: null,
      },
    },
  };
}
