import { readFileSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import type { Digest, RunConfig } from "../image/types.ts";
import type { SnapshotDriver } from "../snapshot/snapshotter.ts";
import type { ContainerPaths } from "./container-paths.ts";
import type { ContainerUser } from "./container-user.ts";

/**
 * What `create` decided about a container: container.json. Written once, durable before the container is visible, and
 * from then on replaced atomically only. What happens to the container later is in status.json, which its shim writes.
 */
export interface ContainerRecord {
  version: 1;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** RFC 3339, UTC, nanoseconds. */
  created: string;
  /** The image's id; `config.Image` is how the user called it. */
  image: Digest;
  /** The layers that the container stands on, bottom first: kept while the container is, even if the image goes. */
  layers: Digest[];
  driver: SnapshotDriver;
  /** The command line: entry point and command together. Never empty. */
  args: string[];
  /** `config.User` looked up in the image. */
  user: ContainerUser;
  config: ContainerConfig;
  hostConfig: HostConfig;
}

/** Docker's `Config` of a container: the image's, with what the command line changed. Docker's field names. */
export interface ContainerConfig extends RunConfig {
  Hostname: string;
  Domainname: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  Image: string;
}

/** Docker's `HostConfig`, as far as gantry knows it; a field left out has Docker's default. Bytes, nano-CPUs. */
export interface HostConfig {
  NetworkMode: string;
  ContainerIDFile?: string;
  AutoRemove?: boolean;
  CapAdd?: string[];
  CapDrop?: string[];
  SecurityOpt?: string[];
  Privileged?: boolean;
  ReadonlyRootfs?: boolean;
  Runtime?: string;
  Memory?: number;
  MemoryReservation?: number;
  /** Memory and swap together; -1: swap without limit. */
  MemorySwap?: number;
  NanoCpus?: number;
  CpuShares?: number;
  CpusetCpus?: string;
  PidsLimit?: number;
  ShmSize?: number;
  OomScoreAdj?: number;
  /** width, height. */
  ConsoleSize?: [number, number];
}

/** How the engine that a container's creator uses is named in records and shown by inspect. */
export const DEFAULT_RUNTIME = "gantry";

/**
 * Reads container.json.
 * @throws CONTAINER_NOT_FOUND if there is none, CONTAINER_RECORD_INVALID if it is not a record of a known version
 */
export function readContainerRecord(paths: ContainerPaths): ContainerRecord {
  let text: string;
  try {
    text = readFileSync(paths.record, "utf8");
  } catch (cause) {
    throw new GantryError("CONTAINER_NOT_FOUND", `No such container: ${paths.id}`, {
      details: { id: paths.id },
      cause,
    });
  }
  try {
    const record = JSON.parse(text) as Omit<ContainerRecord, "version"> & { version: number };
    if (record.version === 1 && record.id === paths.id) return { ...record, version: 1 };
  } catch {
    // fall through: one message for text that is not JSON and for JSON that is not a record
  }
  throw new GantryError("CONTAINER_RECORD_INVALID", `the record of container ${paths.id} cannot be read`, {
    remedy: `Remove the container with gantry rm -f ${paths.id.slice(0, 12)}.`,
    details: { path: paths.record },
  });
}
