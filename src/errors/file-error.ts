import { GantryError } from "./gantry-error.ts";

/**
 * What went wrong with `label`. Errors of node:fs become NO_SPACE or SYSTEM_CALL_FAILED with the `details` that native
 * calls give (`step`, `errno`, `name`, `path`); gantry's own get the label into their message, for kernels do not know
 * whose bytes they read; anything else is handed back as it is.
 */
export function fileError(error: unknown, label: string): unknown {
  if (error instanceof GantryError) return named(error, label);
  const { code, errno, path, syscall } = error as NodeJS.ErrnoException;
  if (typeof code !== "string" || typeof syscall !== "string") return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new GantryError("NO_SPACE", `no space left while writing ${label}`, {
      remedy: "Free some space, or choose another store with --root.",
      cause: error,
    });
  }
  return new GantryError("SYSTEM_CALL_FAILED", `${label}: ${(error as Error).message}`, {
    details: { step: syscall, errno: Math.abs(errno ?? 0), name: code, path },
    cause: error,
  });
}

function named(error: GantryError, label: string): GantryError {
  if (error.code === "CANCELLED" || error.message.includes(label)) return error;
  return new GantryError(error.code, `${label}: ${error.message}`, {
    details: error.details,
    cause: error.cause,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });
}
