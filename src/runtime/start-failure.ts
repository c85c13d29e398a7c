import { constants } from "node:os";
import { GantryError } from "../errors/index.ts";

/** Why a container did not start, as its shim tells it. */
export interface StartFailure {
  step?: string;
  errno?: number;
  path?: string;
  message?: string;
}

const NOT_EXECUTABLE = new Set([
  constants.errno.EACCES,
  constants.errno.EPERM,
  constants.errno.EISDIR,
  constants.errno.ENOEXEC,
]);

/** What other runtimes (runc, crun) say where ours gives step and errno. */
const NOT_FOUND_TEXT = /executable file not found|executable file `[^`]*` not found|no such file or directory/i;
const NOT_EXECUTABLE_TEXT = /permission denied|is a directory|exec format error|not executable/i;

/**
 * Turns a shim's report into the error that the user sees: the command's own fault (exit statuses 127 and 126) apart
 * from the engine's (125).
 */
export function startFailure(id: string, failure: StartFailure): GantryError {
  const message = failure.message ?? `${failure.step ?? "start"} failed with errno ${failure.errno ?? 0}`;
  const details = { container: id, step: failure.step, errno: failure.errno, path: failure.path };
  if (failure.step === "lock") {
    return new GantryError("CONTAINER_RUNNING", `container ${id} is already running`, { details });
  }
  const text = `failed to create task for container: ${message}`;
  switch (blameOf(failure, message)) {
    case "not-found":
      return new GantryError("COMMAND_NOT_FOUND", text, { details });
    case "not-executable":
      return new GantryError("COMMAND_NOT_EXECUTABLE", text, { details });
    case "engine":
      return new GantryError("CONTAINER_START_FAILED", text, { details });
  }
}

function blameOf(failure: StartFailure, message: string): "not-found" | "not-executable" | "engine" {
  if (failure.step?.startsWith("exec") === true) {
    if (failure.errno === constants.errno.ENOENT || failure.errno === constants.errno.ENOTDIR) return "not-found";
    return failure.errno !== undefined && NOT_EXECUTABLE.has(failure.errno) ? "not-executable" : "engine";
  }
  if (!/\bexec\b|executable|start container process/i.test(message)) return "engine";
  if (NOT_FOUND_TEXT.test(message)) return "not-found";
  return NOT_EXECUTABLE_TEXT.test(message) ? "not-executable" : "engine";
}
