import { spawnSync } from "node:child_process";
import { missing } from "./gantry.ts";

/** The host's busybox: one program that, linked statically, is a whole root file system. */
export const BUSYBOX = "/bin/busybox";

/** Why tests that run containers of busybox must be skipped here; undefined where they need not be. */
export function cannotRunBusybox(): string | undefined {
  const reason = missing({ root: true, tools: ["busybox"] });
  if (reason !== undefined || spawnSync("ldd", [BUSYBOX]).status !== 0) return reason;
  return skipped(`${BUSYBOX} is not statically linked`);
}

/** Prints why a test is skipped. */
export function skipped(reason: string): string {
  process.stderr.write(`skipped: ${reason}\n`);
  return reason;
}
