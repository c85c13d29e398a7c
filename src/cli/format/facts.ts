import { UsageError } from "../framework/usage-errors.ts";
import { compileTemplate, type Template } from "./go-template/template.ts";
import { toJson } from "./go-template/to-json.ts";
import { struct } from "./go-template/values.ts";

/**
 * Makes what prints one record (`version`, `info`) by `--format`: JSON on a line, or a template's result.
 * @throws {UsageError} with Docker's status 64 for a template that cannot be read; the returned function throws one with
 * status 1 for a field that is not there
 */
export function factsRenderer(format: string): (facts: object) => string {
  if (format === "json") return (facts) => `${toJson(facts)}\n`;
  let template: Template;
  try {
    template = compileTemplate(format);
  } catch (error) {
    throw new UsageError(`template parsing error: ${(error as Error).message}`, 64);
  }
  return (facts) => {
    try {
      return `${template.execute(allStructs(facts))}\n`;
    } catch (error) {
      throw new UsageError((error as Error).message, 1);
    }
  };
}

function allStructs(value: object): object {
  const copy = Object.entries(value).map(([name, field]: [string, unknown]) => [
    name,
    typeof field === "object" && field !== null && !Array.isArray(field) ? allStructs(field) : field,
  ]);
  return struct(Object.fromEntries(copy) as object, "gantry's facts");
}
