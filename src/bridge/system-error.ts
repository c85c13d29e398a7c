import { constants } from "node:os";
import { GantryError } from "../errors/index.ts";
import { type PathLike, quotePath } from "./message.ts";

/** What native code says of a failed operation. */
export interface NativeFailure {
  errno: number;
  /** The step that failed: a system call's name, sometimes with what it was for. */
  step: string;
  /** Empty where no path is concerned. */
  path: Uint8Array;
  /** The kernel's sentence for errno. */
  reason: string;
}

let names: Map<number, string> | undefined;

/** `28` -> `ENOSPC`; a number that node does not know gives `errno 28`. */
export function errnoName(errno: number): string {
  if (names === undefined) {
    names = new Map();
    for (const [name, value] of Object.entries(constants.errno)) if (!names.has(value)) names.set(value, name);
    names.set(15, "ENOTBLK").set(117, "EUCLEAN");
  }
  return names.get(errno) ?? `errno ${errno}`;
}

/**
 * Turns a native failure into the error that callers see. `details`: `step`, `errno`, `name` (ENOENT ...), `path`.
 * Codes: NO_SPACE (ENOSPC, EDQUOT), PERMISSION (EACCES, EPERM), CANCELLED (ECANCELED), LAYER_INDEX_INVALID (EUCLEAN:
 * a native reader found an index malformed), else SYSTEM_CALL_FAILED.
 */
export function systemError({ errno, step, path, reason }: NativeFailure): GantryError {
  const name = errnoName(errno);
  const shown: PathLike = path;
  const text = new TextDecoder().decode(path);
  const details = { step, errno, name, path: text };
  const where = path.length > 0 ? `${step} ${quotePath(shown)}` : step;
  const message = `${where}: ${reason.charAt(0).toLowerCase()}${reason.slice(1)} (${name})`;
  switch (name) {
    case "ENOSPC":
    case "EDQUOT":
      return new GantryError("NO_SPACE", message, {
        remedy: "Free space on that file system, or choose another with --root.",
        details,
      });
    case "EACCES":
    case "EPERM":
      return new GantryError("PERMISSION", message, {
        remedy: "Run as root, or as a user who may do this.",
        details,
      });
    case "ECANCELED":
      return new GantryError("CANCELLED", "cancelled", { details });
    case "EUCLEAN":
      return new GantryError("LAYER_INDEX_INVALID", `layer index is malformed: ${step}`, { details });
    default:
      return new GantryError("SYSTEM_CALL_FAILED", message, { details });
  }
}
