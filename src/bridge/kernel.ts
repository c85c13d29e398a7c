import { release } from "node:os";
import { isGantryError } from "../errors/index.ts";
import type { PathLike } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/** The running kernel's version, `[6, 18]` for 6.18.44. */
export function kernelVersion(): readonly [major: number, minor: number] {
  const [major, minor] = release().split(".");
  return [Number.parseInt(major ?? "0", 10), Number.parseInt(minor ?? "0", 10)];
}

export type ErofsSupport = { supported: true } | { supported: false; errno: number; name: string; reason: string };

/**
 * Whether this kernel mounts an EROFS image straight from a regular file of the file system that holds `directory`
 * (Linux 6.12 and later, EROFS built in, CAP_SYS_ADMIN). Tries it on an unnamed empty file there: nothing gets mounted,
 * but the kernel writes a line to its log, so ask once and remember. Under 1 ms.
 */
export function probeErofsFile(directory: PathLike): ErofsSupport {
  try {
    call(OPERATION.probeErofsFile, request().text("directory", directory));
    return { supported: true };
  } catch (error) {
    if (!isGantryError(error) || typeof error.details["errno"] !== "number") throw error;
    const { errno, name } = error.details as { errno: number; name: string };
    return { supported: false, errno, name, reason: error.message };
  }
}
