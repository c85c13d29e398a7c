import { GantryError } from "../errors/index.ts";

export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** `unconfined`, or the text of a profile; undefined: the default profile. */
  seccomp: string | undefined;
}

/**
 * Reads the values of `--security-opt`, in both of Docker's spellings (`name=value`, `name:value`).
 * @throws USAGE for an option that gantry does not know
 */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const parsed: SecurityOptions = { noNewPrivileges: false, seccomp: undefined };
  for (const option of options) {
    const [, name, value] = /^([^=:]+)(?:[=:]([\s\S]*))?$/.exec(option) ?? [undefined, option, undefined];
    if (name === "no-new-privileges" && (value === undefined || value === "true" || value === "false")) {
      parsed.noNewPrivileges = value !== "false";
    } else if (name === "seccomp" && value !== undefined && value !== "") {
      parsed.seccomp = value === "builtin" ? undefined : value;
    } else if ((name === "apparmor" || name === "label") && value !== undefined) {
      // No such security module is driven: what asks for less confinement by one is satisfied already.
      if (value !== "unconfined" && value !== "disable") throw unknown(option);
    } else {
      throw unknown(option);
    }
  }
  return parsed;
}

function unknown(option: string): GantryError {
  return new GantryError("USAGE", `invalid --security-opt ${JSON.stringify(option)}`, {
    remedy: "Use no-new-privileges, seccomp=unconfined or seccomp=FILE.",
    details: { option },
  });
}
