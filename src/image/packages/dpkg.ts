import type { InstalledPackage } from "./package.ts";
import { stanzas } from "./stanzas.ts";

const FIELDS = new Set(["Package", "Status", "Version", "Architecture"]);

/**
 * The installed packages of dpkg's status file (deb-control(5), dpkg-query(1)), or of one of the files in status.d that distroless
 * images have instead, whose paragraphs have no Status. Packages of which only the configuration is left are not installed.
 */
export function parseDpkgStatus(bytes: Uint8Array): InstalledPackage[] {
  const found: InstalledPackage[] = [];
  for (const fields of stanzas(bytes, FIELDS)) {
    const name = fields.get("Package");
    const status = fields.get("Status");
    // "want flag status", as in "install ok installed"; "hold ok unpacked" is there as well.
    const state = status?.split(/\s+/)[2];
    if (name === undefined || name === "" || state === "config-files" || state === "not-installed") continue;
    found.push({
      manager: "dpkg",
      name,
      version: fields.get("Version") ?? "",
      architecture: fields.get("Architecture") ?? "",
    });
  }
  return found;
}
