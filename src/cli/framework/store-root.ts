import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The store's root, absolute: the option, else GANTRY_ROOT, else /var/lib/gantry for root and the user's data directory for others. */
export function storeRoot(option: string, environment: Readonly<Record<string, string | undefined>>): string {
  if (option !== "") return resolve(option);
  const fromEnvironment = environment["GANTRY_ROOT"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return resolve(fromEnvironment);
  if (process.geteuid?.() === 0) return "/var/lib/gantry";
  const data = environment["XDG_DATA_HOME"];
  return join(data !== undefined && data.startsWith("/") ? data : join(homedir(), ".local", "share"), "gantry");
}
