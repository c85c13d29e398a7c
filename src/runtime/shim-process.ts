import { close, read } from "node:fs";
import { artifact } from "../artifacts/locate.ts";
import { spawnDetached } from "../bridge/index.ts";
import { GantryError } from "../errors/index.ts";
import type { RootfsPlan } from "../snapshot/snapshotter.ts";
import type { ContainerPaths } from "./container-paths.ts";
import { startFailure } from "./start-failure.ts";

/** shim.json: all that a shim is told. Its twin is in native/shim. Paths are absolute. */
export interface ShimConfig {
  id: string;
  name: string;
  /** The store's root. */
  root: string;
  /** The container's directory, which holds config.json. */
  bundle: string;
  runtime: { path: string; args: string[] };
  rootfs: RootfsPlan;
  terminal: boolean;
  openStdin: boolean;
  stdinOnce: boolean;
  log: string;
  autoRemove: boolean;
  /** What its events (start, oom, die, destroy) say of the container (container-event.ts). */
  eventAttributes?: Record<string, string>;
  consoleSize?: { width: number; height: number };
}

/** A shim that was started; its container perhaps not yet. */
export interface StartedShim {
  /**
   * Resolves to the process id of the container's first process once it runs.
   * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, CONTAINER_RUNNING, CONTAINER_START_FAILED, SHIM_FAILED
   */
  ready: Promise<number>;
  /** Connected to the container's stdio before it starts; the caller closes it. */
  attachFd: number | undefined;
}

/** What the shim writes to its ready pipe: one line. */
interface ReadyMessage {
  pid?: number;
  error?: { step?: string; errno?: number; path?: string; message?: string };
}

/**
 * Starts the shim of a container whose config.json and shim.json are in place. It outlives this process.
 * @param attach whether a client is to be connected from the start, so that it misses no output
 */
export function startShim(paths: ContainerPaths, attach: boolean): StartedShim {
  const program = artifact("native/gantry-shim");
  const environment = process.env["PATH"] === undefined ? [] : [`PATH=${process.env["PATH"]}`];
  const shim = spawnDetached(program, ["gantry-shim", paths.directory], environment, { attach });
  return { ready: readReady(shim.readyFd, paths), attachFd: shim.attachFd };
}

/**
 * Reads a shim's one line from its ready pipe, and closes that.
 * @throws what `ready` of {@link StartedShim} throws; SHIM_FAILED for a line that is no JSON
 */
export async function readReady(fd: number, paths: ContainerPaths): Promise<number> {
  let text: string;
  try {
    text = await readToEnd(fd);
  } finally {
    close(fd);
  }
  const message = parseReady(text);
  if (message.pid !== undefined) return message.pid;
  throw startFailure(paths.id, message.error ?? { message: "the shim ended without a word" });
}

function parseReady(text: string): ReadyMessage {
  try {
    return JSON.parse(text) as ReadyMessage;
  } catch (cause) {
    if (text === "") return {};
    throw new GantryError("SHIM_FAILED", `the container's shim said ${JSON.stringify(text)}`, { cause });
  }
}

/** Reads up to the newline or the end; `fs.readFile` would take several trips more. */
function readToEnd(fd: number): Promise<string> {
  const buffer = Buffer.allocUnsafe(16 * 1024);
  return new Promise((resolve, reject) => {
    let length = 0;
    const more = (): void => {
      read(fd, buffer, length, buffer.length - length, null, (error, bytes) => {
        if (error !== null) {
          reject(error);
          return;
        }
        length += bytes;
        const done = bytes === 0 || length === buffer.length || buffer[length - 1] === 0x0a;
        if (done) resolve(buffer.toString("utf8", 0, length).trim());
        else more();
      });
    };
    more();
  });
}
