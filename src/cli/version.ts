/** Filled in by the bundler; from sources (tests) there is none. */
declare const __gantryVersion: string | undefined;

/** gantry's version, `0.1.0`. */
export const VERSION = typeof __gantryVersion === "string" ? __gantryVersion : "0.0.0-source";

/** What `gantry --version` says. */
export function versionLine(): string {
  return `gantry version ${VERSION}`;
}
