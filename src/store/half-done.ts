import { GantryError } from "../errors/index.ts";

/** What was decided is done, but not to its end: the next command ends it. */
export function halfDone(what: string, error: unknown): GantryError {
  const { code, errno, syscall, message } = error as NodeJS.ErrnoException;
  return new GantryError("SYSTEM_CALL_FAILED", `${what}: ${message}`, {
    remedy: "The next gantry command goes on with it; gantry system fsck tells whether all is well.",
    details: { step: syscall, errno: Math.abs(errno ?? 0), name: code },
    cause: error,
  });
}
