import { GantryError } from "../errors/index.ts";

/**
 * Reads the text of an `--env-file`: one variable a line, `#` at the start of a line begins a comment, values are taken
 * as they stand (no quotes, no escapes). A bare `NAME` takes its value from `environment`, or is left out.
 *
 * @param file named in messages only
 * @throws USAGE for a name with white space in it, or none
 */
export function parseEnvFile(
  text: string,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const entries: string[] = [];
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  lines.forEach((raw, index) => {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) return;
    const equals = line.indexOf("=");
    const name = equals < 0 ? line.trim() : line.slice(0, equals);
    if (name === "" || /\s/.test(name)) {
      throw new GantryError(
        "USAGE",
        name === ""
          ? `invalid env file (${file}): line ${index + 1} has no variable name`
          : `invalid env file (${file}): variable '${name}' contains whitespaces`,
        { details: { file, line: index + 1 } },
      );
    }
    if (equals >= 0) entries.push(line);
    else if (environment[name] !== undefined) entries.push(`${name}=${environment[name]}`);
  });
  return entries;
}
