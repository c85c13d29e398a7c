import type { ContainerPaths } from "./container-paths.ts";
import type { OciMount } from "./oci-types.ts";

/** Bytes of /dev/shm unless the container says otherwise. */
export const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

export interface DefaultMountOptions {
  privileged: boolean;
  readonlyRootfs: boolean;
  shmSizeBytes: number;
}

/** The mounts of every container, in Docker's order, which is also the order in which one may lie in another. */
export function defaultMounts(paths: ContainerPaths, options: DefaultMountOptions): OciMount[] {
  const guarded = ["nosuid", "noexec", "nodev"];
  const system = options.privileged ? guarded : [...guarded, "ro"];
  const file = options.readonlyRootfs ? ["rbind", "ro", "rprivate"] : ["rbind", "rprivate"];
  return [
    { destination: "/proc", type: "proc", source: "proc", options: guarded },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: system },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: system },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: guarded },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: [...guarded, "mode=1777", `size=${options.shmSizeBytes}`],
    },
    { destination: "/etc/resolv.conf", type: "bind", source: paths.resolvConf, options: file },
    { destination: "/etc/hostname", type: "bind", source: paths.hostname, options: file },
    { destination: "/etc/hosts", type: "bind", source: paths.hosts, options: file },
  ];
}
