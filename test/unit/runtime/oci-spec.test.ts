import { describe, expect, it } from "vitest";
import { ALL_CAPABILITIES } from "../../../src/runtime/capabilities.ts";
import { ContainerPaths } from "../../../src/runtime/container-paths.ts";
import type { ContainerRecord, HostConfig } from "../../../src/runtime/container-record.ts";
import { ociSpec } from "../../../src/runtime/oci-spec.ts";
import type { OciSpec } from "../../../src/runtime/oci-types.ts";
import { StoreLayout } from "../../../src/store/layout.ts";

const id = "ab".repeat(32);
const paths = new ContainerPaths(new StoreLayout("/store"), id);

function spec(hostConfig: Partial<HostConfig> = {}, config: Partial<ContainerRecord["config"]> = {}): OciSpec {
  return ociSpec(
    {
      version: 1,
      id,
      name: "web",
      created: "2026-01-01T00:00:00Z",
      image: `sha256:${"0".repeat(64)}`,
      layers: [],
      driver: "erofs",
      args: ["sh", "-c", "true"],
      user: { uid: 5, gid: 6, additionalGids: [6, 7], home: "/home/x" },
      config: {
        Hostname: "abababababab",
        Domainname: "",
        AttachStdin: false,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        OpenStdin: false,
        StdinOnce: false,
        Image: "busybox",
        Env: ["PATH=/bin"],
        ...config,
      },
      hostConfig: { NetworkMode: "none", ...hostConfig },
    },
    { paths },
  );
}

it("isolates as Docker does by default", () => {
  const { linux, process, root, hostname } = spec();
  expect(linux.namespaces.map(({ type }) => type)).toEqual(["mount", "network", "uts", "pid", "ipc", "cgroup"]);
  expect(linux.cgroupsPath).toBe(`/gantry/${id}`);
  expect(linux.seccomp?.defaultAction).toBe("SCMP_ACT_ERRNO");
  expect(linux.maskedPaths).toContain("/proc/kcore");
  expect(linux.readonlyPaths).toContain("/proc/sys");
  expect(linux.resources.devices[0]).toEqual({ allow: false, access: "rwm" });
  expect(process.capabilities?.bounding).toHaveLength(14);
  expect(process.capabilities?.inheritable).toEqual([]);
  expect(process.noNewPrivileges).toBe(false);
  expect(process.user).toEqual({ uid: 5, gid: 6, additionalGids: [6, 7] });
  expect(process.env).toEqual(["PATH=/bin", "HOSTNAME=abababababab", "HOME=/home/x"]);
  expect(process.cwd).toBe("/");
  expect(root).toEqual({ path: `/store/containers/${id}/rootfs` });
  expect(hostname).toBe("abababababab");
});

it("mounts what Docker mounts, in its order", () => {
  expect(spec().mounts.map(({ destination }) => destination)).toEqual([
    "/proc",
    "/dev",
    "/dev/pts",
    "/sys",
    "/sys/fs/cgroup",
    "/dev/mqueue",
    "/dev/shm",
    "/etc/resolv.conf",
    "/etc/hostname",
    "/etc/hosts",
  ]);
});

it("shares the host's network on request, without settings that would change it", () => {
  const { linux } = spec({ NetworkMode: "host" });
  expect(linux.namespaces.map(({ type }) => type)).not.toContain("network");
  expect(linux.sysctl).toBeUndefined();
});

it("limits resources", () => {
  const { linux } = spec({ Memory: 64 << 20, MemorySwap: 128 << 20, NanoCpus: 1.5e9, PidsLimit: 9, CpuShares: 512 });
  expect(linux.resources).toMatchObject({
    memory: { limit: 64 << 20, swap: 128 << 20 },
    cpu: { quota: 150_000, period: 100_000, shares: 512 },
    pids: { limit: 9 },
  });
  expect(spec({ PidsLimit: -1 }).linux.resources.pids).toEqual({ limit: -1 });
});

describe("switches", () => {
  it("read-only: the root and the files mounted into it", () => {
    const { root, mounts } = spec({ ReadonlyRootfs: true });
    expect(root.readonly).toBe(true);
    expect(mounts.find(({ destination }) => destination === "/etc/hosts")?.options).toContain("ro");
  });
  it("privileged: no confinement but namespaces", () => {
    const { linux, process, mounts } = spec({ Privileged: true });
    expect(process.capabilities?.effective).toEqual(ALL_CAPABILITIES);
    expect(linux.seccomp).toBeUndefined();
    expect(linux.maskedPaths).toBeUndefined();
    expect(linux.resources.devices).toEqual([{ allow: true, access: "rwm" }]);
    expect(mounts.find(({ destination }) => destination === "/sys")?.options).not.toContain("ro");
  });
  it("tty: a terminal of the client's size", () => {
    const { process } = spec({ ConsoleSize: [80, 24] }, { Tty: true });
    expect(process).toMatchObject({ terminal: true, consoleSize: { width: 80, height: 24 } });
    expect(process.env).toContain("TERM=xterm");
  });
  it("security options", () => {
    expect(spec({ SecurityOpt: ["seccomp=unconfined"] }).linux.seccomp).toBeUndefined();
    expect(spec({ SecurityOpt: ["no-new-privileges"] }).process.noNewPrivileges).toBe(true);
    const custom = spec({ SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_LOG"}'] });
    expect(custom.linux.seccomp?.defaultAction).toBe("SCMP_ACT_LOG");
  });
});
