import { areEqual, isLess } from "./compare.ts";
import { goPrint, goSprint, goSprintf, goSprintln } from "./go-format.ts";
import { toJson } from "./to-json.ts";
import { isInt, isTrue, sortedKeys, structName, typeName } from "./values.ts";

type ArgumentType = "string" | "int" | "any";

/** A template function. `and` and `or` stop early and so are not here but in evaluate.ts. */
export interface TemplateFunction {
  /** Types of the arguments; the last repeats where `variadic`. */
  readonly takes: readonly ArgumentType[];
  readonly variadic?: boolean;
  /** @throws {Error} told as `error calling NAME: ...` */
  call(args: readonly unknown[]): unknown;
}

function define(takes: readonly ArgumentType[], call: TemplateFunction["call"], variadic = false): TemplateFunction {
  return { takes, call, variadic };
}

/** The functions of Go's text/template. */
const BUILTIN: Readonly<Record<string, TemplateFunction>> = {
  not: define(["any"], ([value]) => !isTrue(value)),
  eq: define(
    ["any", "any"],
    ([first, ...others]) => {
      if (others.length === 0) throw new Error("missing argument for comparison");
      return others.some((other) => areEqual(first, other));
    },
    true,
  ),
  ne: define(["any", "any"], ([a, b]) => !areEqual(a, b)),
  lt: define(["any", "any"], ([a, b]) => isLess(a, b)),
  le: define(["any", "any"], ([a, b]) => isLess(a, b) || areEqual(a, b)),
  gt: define(["any", "any"], ([a, b]) => !isLess(a, b) && !areEqual(a, b)),
  ge: define(["any", "any"], ([a, b]) => !isLess(a, b)),
  len: define(["any"], ([value]) => length(value)),
  index: define(["any", "any"], ([value, ...keys]) => keys.reduce(indexOnce, value), true),
  slice: define(["any", "int"], ([value, ...ends]) => slice(value, ends as number[]), true),
  print: define(["any"], goSprint, true),
  printf: define(["string", "any"], ([format, ...args]) => goSprintf(format as string, args), true),
  println: define(["any"], goSprintln, true),
  html: define(["any"], (args) => goSprint(args).replace(/[<>&'"\0]/g, (c) => HTML[c]!), true),
  js: define(["any"], (args) => goSprint(args).replace(/[\\'"<>&=\n\r\t]/g, (c) => jsEscape(c)), true),
  urlquery: define(["any"], (args) => encodeURIComponent(goSprint(args)).replaceAll("%20", "+"), true),
};

const HTML: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "'": "&#39;",
  '"': "&#34;",
  "\0": "\uFFFD",
};

function jsEscape(character: string): string {
  if ("\\'\"".includes(character)) return `\\${character}`;
  return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function length(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === "object" && value !== null && structName(value) === undefined) return Object.keys(value).length;
  if (value === null || value === undefined) throw new Error("len of nil pointer");
  throw new Error(`len of type ${typeName(value)}`);
}

function indexOnce(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) throw new Error("index of untyped nil");
  if (Array.isArray(value) || typeof value === "string") {
    if (!isInt(key)) throw new Error(`cannot index slice/array with type ${typeName(key)}`);
    const bytes = typeof value === "string" ? Buffer.from(value) : (value as readonly unknown[]);
    const at = Number(key);
    if (at < 0 || at > bytes.length) throw new Error(`index out of range: ${at}`);
    if (at === bytes.length)
      throw new Error(`reflect: ${typeof value === "string" ? "string" : "slice"} index out of range`);
    return bytes[at];
  }
  if (typeof value !== "object" || structName(value) !== undefined)
    throw new Error(`can't index item of type ${typeName(value)}`);
  const map = value as Readonly<Record<string, unknown>>;
  if (typeof key !== "string") throw new Error(`value has type ${typeName(key)}; should be string`);
  if (Object.hasOwn(map, key)) return map[key];
  // The zero of the map's element type: "" for labels and other maps of text.
  return Object.values(map).every((element) => typeof element === "string") ? "" : null;
}

function slice(value: unknown, ends: readonly number[]): unknown {
  if (typeof value !== "string" && !Array.isArray(value)) {
    throw new Error(
      value === null || value === undefined ? "slice of untyped nil" : `can't slice item of type ${typeName(value)}`,
    );
  }
  if (ends.length > 3) throw new Error(`too many slice indexes: ${ends.length}`);
  if (ends.length === 3 && typeof value === "string") throw new Error("cannot 3-index slice a string");
  const whole = typeof value === "string" ? Buffer.from(value) : (value as readonly unknown[]);
  const [from = 0, to = whole.length, capacity = whole.length] = ends;
  for (const end of [from, to, capacity])
    if (end < 0 || end > whole.length) throw new Error(`index out of range: ${end}`);
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  return Buffer.isBuffer(whole) ? whole.toString("utf8", from, to) : whole.slice(from, to);
}

/** The functions that Docker adds. */
const DOCKER: Readonly<Record<string, TemplateFunction>> = {
  json: define(["any"], ([value]) => toJson(value)),
  split: define(["string", "string"], ([text, separator]) => (text as string).split(separator as string)),
  join: define(["any", "string"], ([list, separator]) => {
    if (list === undefined || list === null) return "";
    if (!Array.isArray(list)) throw new Error(`expected slice, got ${typeName(list)}`);
    return list.map((element) => goPrint(element)).join(separator as string);
  }),
  title: define(["string"], ([text]) => (text as string).replace(/(?<![\p{L}\p{N}_])\p{L}/gu, (c) => c.toUpperCase())),
  lower: define(["string"], ([text]) => (text as string).toLowerCase()),
  upper: define(["string"], ([text]) => (text as string).toUpperCase()),
  pad: define(["string", "int", "int"], ([text, before, after]) => {
    if (text === "") return text;
    return " ".repeat(Number(before)) + (text as string) + " ".repeat(Number(after));
  }),
  truncate: define(["string", "int"], ([text, columns]) => (text as string).slice(0, Number(columns))),
};

/** Everything a `--format` template may call. */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = { ...BUILTIN, ...DOCKER };

/** In the header row of a table `json`, `split` and `join` leave the column's title as it is. */
export const HEADER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  ...TEMPLATE_FUNCTIONS,
  json: define(["any"], ([title]) => title),
  split: define(["any", "string"], ([title]) => title),
  join: define(["any", "string"], ([title]) => title),
};

/** The values of a map or slice with their keys, in the order of `range`. @throws {Error} for what has none */
export function* rangeOver(value: unknown): Generator<[unknown, unknown]> {
  if (value === null || value === undefined) return;
  if (isInt(value)) {
    for (let i = 0; i < value; i++) yield [i, i];
  } else if (Array.isArray(value)) yield* value.entries();
  else if (typeof value === "object" && structName(value) === undefined) {
    for (const key of sortedKeys(value)) yield [key, (value as Readonly<Record<string, unknown>>)[key]];
  } else throw new Error(`range can't iterate over ${goPrint(value)}`);
}
