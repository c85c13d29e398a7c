import { evaluate } from "./evaluate.ts";
import { TEMPLATE_FUNCTIONS, type TemplateFunction } from "./functions.ts";
import { parseTemplate } from "./parser.ts";

/** A Go template ready to be carried out on any number of values (Go's text/template, with Docker's functions). */
export interface Template {
  /** @throws {ExecutionError} */
  execute(data: unknown): string;
}

/**
 * Reads a template.
 * @throws {TemplateError}
 */
export function compileTemplate(
  source: string,
  functions: Readonly<Record<string, TemplateFunction>> = TEMPLATE_FUNCTIONS,
): Template {
  const parsed = parseTemplate(source, new Set([...Object.keys(functions), "and", "or"]));
  return { execute: (data) => evaluate(parsed, data, { source, functions }) };
}
