import { GantryError } from "../../errors/index.ts";
import { toJson } from "./go-template/to-json.ts";
import { struct } from "./go-template/values.ts";

/** Fields of Docker's inspect answers that are maps; every other object is a struct. */
const MAPS = new Set([
  "Annotations",
  "Data",
  "DriverOpts",
  "ExposedPorts",
  "Labels",
  "Networks",
  "Options",
  "PortBindings",
  "Ports",
  "StorageOpt",
  "Sysctls",
  "Tmpfs",
  "Volumes",
]);

/**
 * The output of an `inspect` command for objects that were found: a JSON array indented by four, `--format json` one line an
 * object, or a template's result for each on a line of its own.
 * @throws USAGE for a template that cannot be read or names a field that is not there
 */
export async function renderInspected(objects: readonly object[], format: string): Promise<string> {
  if (format === "") return `${toJson(objects, 4)}\n`;
  if (format === "json") return objects.map((object) => `${toJson(object)}\n`).join("");
  const { compileTemplate } = await import("./go-template/template.ts");
  try {
    const template = compileTemplate(format);
    return objects.map((object) => `${template.execute(markStructs(object))}\n`).join("");
  } catch (error) {
    throw new GantryError("USAGE", `template parsing error: ${(error as Error).message}`, { cause: error });
  }
}

/** Tells structs from maps, in place, so that `{{.Nmae}}` is an error while a label that is not set is `<no value>`. */
function markStructs<T extends object>(value: T, isMap = false): T {
  if (Array.isArray(value)) {
    for (const element of value as unknown[]) if (typeof element === "object" && element !== null) markStructs(element);
    return value;
  }
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    if (typeof field === "object" && field !== null) markStructs(field, !isMap && MAPS.has(name));
  }
  return isMap ? value : struct(value);
}
