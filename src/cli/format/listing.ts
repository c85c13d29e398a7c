import { UsageError } from "../framework/usage-errors.ts";
import { alignColumns } from "./align-columns.ts";
import { JSON_TEXT, toJson } from "./go-template/to-json.ts";

/** A list that a command shows: which fields a row has, how its table looks by default. */
export interface Listing<T> {
  /** Fields of a row in templates and JSON, with their column titles. Sorted: JSON has them in this order. */
  readonly fields: Readonly<Record<string, ListingField<T>>>;
  /** The names of the fields that the default table shows. */
  readonly table: readonly string[];
  /** The field that `--quiet` prints. */
  readonly quiet: string;
  /** What error texts call a row. */
  readonly typeName: string;
  /** Methods with arguments, in templates only: `{{.Label "name"}}`. */
  readonly methods?: Readonly<Record<string, ListingField<T, (argument: string) => string>>>;
}

interface ListingField<T, V = unknown> {
  readonly title: string;
  readonly value: (row: T) => V;
  /** What the default table shows where the value is empty. */
  readonly absent?: string;
}

export interface ListingOptions {
  /** `--format`: empty or `table`, `table TEMPLATE`, `json`, or a template. */
  readonly format: string;
  readonly quiet?: boolean;
}

/**
 * The text of a list, ended by a line break (no rows: the table's titles, else nothing). `--quiet` wins over a table but not
 * over a template, as in Docker.
 * @throws {UsageError} for a template that cannot be read or does not fit the rows
 */
export async function renderListing<T>(
  listing: Listing<T>,
  rows: readonly T[],
  options: ListingOptions,
): Promise<string> {
  const format = options.format.trim() === "" ? "table" : options.format;
  const isTable = format === "table" || format.startsWith("table ") || format.startsWith("table\t");
  if (options.quiet === true && (isTable || options.format === "")) {
    return rows.map((row) => `${String(listing.fields[listing.quiet]!.value(row))}\n`).join("");
  }
  if (format === "json") return rows.map((row) => `${rowJson(listing, row)}\n`).join("");
  if (format === "table") {
    const titles = listing.table.map((name) => listing.fields[name]!.title);
    const lines = rows.map((row) => listing.table.map((name) => cell(listing.fields[name]!, row)));
    return alignColumns([titles, ...lines].map((cells) => `${cells.join("\t")}\n`).join(""));
  }
  const template = (isTable ? format.slice(5).trim() : format).replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  return await renderTemplate(listing, rows, template, isTable);
}

function cell<T>({ value, absent = "" }: ListingField<T>, row: T): string {
  const text = String(value(row));
  return text === "" ? absent : text;
}

async function renderTemplate<T>(
  listing: Listing<T>,
  rows: readonly T[],
  source: string,
  isTable: boolean,
): Promise<string> {
  const { compileTemplate } = await import("./go-template/template.ts");
  const { HEADER_FUNCTIONS } = await import("./go-template/functions.ts");
  const { struct } = await import("./go-template/values.ts");
  try {
    const template = compileTemplate(source);
    let text = rows.map((row) => `${template.execute(struct(templateRow(listing, row), listing.typeName))}\n`).join("");
    if (!isTable) return text;
    const header = compileTemplate(source, HEADER_FUNCTIONS).execute(titles(listing));
    text = `${header}\n${text}`;
    return alignColumns(text);
  } catch (error) {
    throw new UsageError(`template parsing error: ${(error as Error).message}`, 1);
  }
}

/** As Go's JSON does by default, and Docker in its listings: `<none>` is `\\u003cnone\\u003e`. */
export function escapeHtml(json: string): string {
  return json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** All fields of a row, in their order. */
export function rowRecord<T>({ fields }: Listing<T>, row: T): Record<string, unknown> {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, fields[name]!.value(row)]));
}

function rowJson<T>(listing: Listing<T>, row: T): string {
  return escapeHtml(toJson(rowRecord(listing, row)));
}

/** A row as a template sees it: fields are computed when asked for, methods take their argument. */
function templateRow<T>(listing: Listing<T>, row: T): object {
  const shown = { [JSON_TEXT]: () => rowJson(listing, row) };
  for (const name of Object.keys(listing.fields)) {
    Object.defineProperty(shown, name, { enumerable: true, get: () => listing.fields[name]!.value(row) });
  }
  for (const name of Object.keys(listing.methods ?? {})) {
    const method = listing.methods![name]!.value(row);
    Object.defineProperty(shown, name, { enumerable: false, value: (argument: string) => method(argument) });
  }
  return shown;
}

/** The column titles as the header row's template sees them. */
function titles<T>(listing: Listing<T>): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of Object.keys(listing.fields)) shown[name] = listing.fields[name]!.title;
  for (const name of Object.keys(listing.methods ?? {})) shown[name] = (argument: string): string => argument;
  return shown;
}
