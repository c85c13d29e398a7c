import type { InstalledPackage } from "./package.ts";
import { stanzas } from "./stanzas.ts";

const FIELDS = new Set(["P", "V", "A"]);

/** The packages of apk's installed database (apk-tools, "APK spec", "Installed Database V2"). */
export function parseApkInstalled(bytes: Uint8Array): InstalledPackage[] {
  const found: InstalledPackage[] = [];
  for (const fields of stanzas(bytes, FIELDS)) {
    const name = fields.get("P");
    if (name === undefined || name === "") continue;
    found.push({ manager: "apk", name, version: fields.get("V") ?? "", architecture: fields.get("A") ?? "" });
  }
  return found;
}
