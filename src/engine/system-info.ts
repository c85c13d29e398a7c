import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, hostname, release, totalmem } from "node:os";
import { DEFAULT_RUNTIME } from "../runtime/container-record.ts";
import { chooseDriver, driverFacts } from "../snapshot/choose-driver.ts";
import type { Store } from "../store/store.ts";
import { listContainers } from "./list-containers.ts";
import { listImages } from "./list-images.ts";

/** What `info` tells, under the names that Docker's `info --format` has where Docker has them. */
export interface SystemInfo {
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  /** Pairs of a name and a value. */
  DriverStatus: [string, string][];
  LoggingDriver: string;
  CgroupDriver: string;
  /** "1" for version 1 and hybrid hierarchies, as Docker has it. */
  CgroupVersion: string;
  DefaultRuntime: string;
  SecurityOptions: string[];
  KernelVersion: string;
  OperatingSystem: string;
  OSType: string;
  Architecture: string;
  NCPU: number;
  /** Bytes. */
  MemTotal: number;
  Name: string;
  /** The store's root. */
  DockerRootDir: string;
}

/** The machine and the store as gantry sees them. Never throws for something that the machine does not tell. */
export function systemInfo(store: Store, environment: Readonly<Record<string, string | undefined>>): SystemInfo {
  const states = listContainers(store).map(({ status }): string => status.state);
  const count = (...wanted: string[]): number => states.filter((state) => wanted.includes(state)).length;
  const { driver, reason } = chooseDriver(environment["GANTRY_SNAPSHOTTER"], driverFacts());
  const running = count("running");
  const paused = count("paused");
  return {
    Containers: states.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: states.length - running - paused,
    Images: listImages(store).length,
    Driver: driver,
    DriverStatus: [["Chosen because", reason]],
    LoggingDriver: "json-file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: existsSync("/sys/fs/cgroup/cgroup.controllers") ? "2" : "1",
    DefaultRuntime: DEFAULT_RUNTIME,
    SecurityOptions: ["name=seccomp,profile=builtin", "name=cgroupns"],
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: "linux",
    Architecture: MACHINE_NAMES[process.arch] ?? process.arch,
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    Name: hostname(),
    DockerRootDir: store.layout.root,
  };
}

/** `uname -m` of node's names. */
const MACHINE_NAMES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64", ia32: "i686" };

/** PRETTY_NAME of os-release(5). */
function operatingSystem(): string {
  for (const file of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      const name = /^PRETTY_NAME=(?:"([^"]*)"|'([^']*)'|(\S+))/m.exec(readFileSync(file, "utf8"));
      if (name !== null) return name[1] ?? name[2] ?? name[3] ?? "";
    } catch {
      // The next file, or none.
    }
  }
  return "Linux";
}
