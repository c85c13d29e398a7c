import { writeFileSync } from "node:fs";
import { GantryError } from "../../../errors/index.ts";

/**
 * Writes a container's id to the file of `--cidfile`, which must not exist; does nothing without one.
 * @throws USAGE
 */
export function writeContainerIdFile(file: string, id: string): void {
  if (file === "") return;
  try {
    writeFileSync(file, id, { flag: "wx" });
  } catch (cause) {
    throw new GantryError("USAGE", `failed to write the container ID file ${file}`, { cause });
  }
}
