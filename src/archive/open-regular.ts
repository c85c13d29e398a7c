import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { GantryError } from "../errors/index.ts";

/** open(2): only a reference to the file; opening a device so does nothing to it. Not among node's constants. */
const O_PATH = 0o10000000;

/** How a file is opened that is then handed to `openRegular`: no link is followed. */
export const REFERENCE = O_PATH | constants.O_NOFOLLOW;

/**
 * Opens for reading what `reference` refers to, if it is a regular file. Whose tree it lies in may have put a device in its
 * place, and opening some devices does something. Takes the reference over: it is closed.
 * @throws SYSTEM_CALL_FAILED (ENXIO) for anything else
 */
export function openRegular(reference: number): number {
  try {
    if (!fstatSync(reference).isFile()) {
      throw new GantryError("SYSTEM_CALL_FAILED", "cannot read a file: something else has taken its place", {
        details: { step: "open", errno: 6, name: "ENXIO" },
      });
    }
    return openSync(`/proc/self/fd/${reference}`, constants.O_RDONLY);
  } finally {
    closeSync(reference);
  }
}
