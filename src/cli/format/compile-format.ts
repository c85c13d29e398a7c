import { UsageError } from "../framework/usage-errors.ts";
import { compileTemplate, type Template } from "./go-template/template.ts";

/**
 * Reads the template of `--format`; carrying it out tells what does not fit in Docker's words, too.
 * @throws {UsageError} with Docker's status 64; `execute` throws one with status 1
 */
export function compileFormat(format: string): Template {
  let template: Template;
  try {
    template = compileTemplate(format);
  } catch (error) {
    throw refusal(error, 64);
  }
  return {
    execute(data) {
      try {
        return template.execute(data);
      } catch (error) {
        throw refusal(error, 1);
      }
    },
  };
}

function refusal(error: unknown, status: number): UsageError {
  return new UsageError(`template parsing error: ${(error as Error).message}`, status);
}
