import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { artifact } from "../artifacts/locate.ts";
import { GantryError } from "../errors/index.ts";
import { DEFAULT_RUNTIME } from "./container-record.ts";

/**
 * The program of an OCI runtime: gantry's own, a path, or a name found in PATH (`runc`, `crun`).
 * @throws RUNTIME_NOT_FOUND
 */
export function runtimeProgram(name: string = DEFAULT_RUNTIME): { path: string; args: string[] } {
  if (name === "" || name === DEFAULT_RUNTIME) return { path: artifact("native/gantry-runtime"), args: [] };
  const candidates = name.includes("/")
    ? [name]
    : (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, name));
  const path = candidates.find(isExecutable);
  if (path !== undefined) return { path, args: [] };
  throw new GantryError("RUNTIME_NOT_FOUND", `unknown or invalid runtime name: ${name}`, {
    remedy: "Name an OCI runtime in PATH, runc or crun for example, or give its path.",
    details: { runtime: name },
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
