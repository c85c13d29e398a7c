import { fstatSync } from "node:fs";
import { isatty } from "node:tty";

const DEV_NULL = 0x103;

/**
 * Whether the descriptor is a terminal. What is no character device, or is /dev/null, is told by fstat alone: node:tty would
 * load all of node's streams, which costs more than most commands.
 */
export function isTerminal(fd: number): boolean {
  try {
    const { rdev, mode } = fstatSync(fd);
    return (mode & 0o170000) === 0o020000 && rdev !== DEV_NULL && isatty(fd);
  } catch {
    return false;
  }
}
