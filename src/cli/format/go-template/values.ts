/*
 * How JavaScript values stand for Go's:
 *   undefined        no value at all (a map's missing key)     null      a nil interface
 *   string boolean   themselves                                number, bigint   int where whole, else float64
 *   array            a slice                                   object    map[string]T; a struct if marked with `struct`
 *   function         a method: called with the arguments that follow it
 */

const STRUCT = Symbol("struct");

interface Marked {
  [STRUCT]?: string;
}

/**
 * Marks an object as a Go struct, in place: its fields print in their order without names, and a field that it does not
 * have is an error instead of `<no value>`. `typeName` is what error texts call it; without one they speak of a map, as
 * `docker inspect` does.
 */
export function struct<T extends object>(value: T, typeName = ""): T {
  Object.defineProperty(value, STRUCT, { value: typeName, enumerable: false, configurable: true });
  return value;
}

/** The type name given to `struct`; `undefined` for what is not a struct. */
export function structName(value: object): string | undefined {
  return (value as Marked)[STRUCT];
}

/** A nil slice: empty, `[]` as text, `null` in JSON. */
export function nilSlice(): readonly unknown[] {
  return Object.defineProperty([], "toJSON", { value: () => null, enumerable: false });
}

/** A nil map: empty, `map[]` as text, `null` in JSON. */
export function nilMap(): object {
  return Object.defineProperty({}, "toJSON", { value: () => null, enumerable: false });
}

/** See `nilPointer`. */
class NilPointer {
  toJSON(): null {
    return null;
  }
}

/** A nil pointer of a field's type: false, `<nil>` as text (a nil interface is `<no value>`), `null` in JSON. */
export function nilPointer(): object {
  return new NilPointer();
}

export function isNilPointer(value: unknown): boolean {
  return value instanceof NilPointer;
}

/** Text/template's truth: not the type's zero, not empty. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || isNilPointer(value)) return false;
  switch (typeof value) {
    case "string":
      return value !== "";
    case "number":
      return value !== 0;
    case "bigint":
      return value !== 0n;
    case "boolean":
      return value;
    case "object":
      if (Array.isArray(value)) return value.length > 0;
      return structName(value) !== undefined || Object.keys(value).length > 0;
    default:
      return true;
  }
}

/** Whether the value is a whole number. */
export function isInt(value: unknown): value is number | bigint {
  return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
}

/** What Go would call the value's type, for error texts. */
export function typeName(value: unknown): string {
  if (value === undefined || value === null) return "interface {}";
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return Number.isInteger(value) ? "int" : "float64";
    case "object": {
      if (Array.isArray(value)) return `[]${elementType(value)}`;
      const name = structName(value);
      return name === undefined ? `map[string]${elementType(Object.values(value))}` : name === "" ? "struct" : name;
    }
    default:
      return "func";
  }
}

function elementType(elements: readonly unknown[]): string {
  const types = new Set(elements.map(typeName));
  return types.size === 1 ? [...types][0]! : "interface {}";
}

/** A map's keys in the order in which Go prints and ranges over them. */
export function sortedKeys(map: object): string[] {
  return Object.keys(map).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
