import { goPrint } from "./go-format.ts";
import { isInt, isNilPointer, typeName } from "./values.ts";

function isNil(value: unknown): boolean {
  return value === undefined || value === null || isNilPointer(value);
}

type Basic = "bool" | "int" | "float" | "string";

function basicKind(value: unknown): Basic | undefined {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  if (isInt(value)) return "int";
  return typeof value === "number" ? "float" : undefined;
}

/**
 * Text/template's `eq` of two values.
 * @throws {Error} where their types cannot be compared
 */
export function areEqual(a: unknown, b: unknown): boolean {
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b);
  const kindA = basicKind(a);
  const kindB = basicKind(b);
  if (kindA === undefined && kindB === undefined && Array.isArray(a) === Array.isArray(b)) {
    throw new Error(`non-comparable type ${goPrint(a)}: ${typeName(a)}`);
  }
  if (kindA !== kindB) throw incompatible(a, b);
  return kindA === "int" ? BigInt(a as number) === BigInt(b as number) : a === b;
}

/**
 * Text/template's `lt`.
 * @throws {Error} where the types have no order or differ
 */
export function isLess(a: unknown, b: unknown): boolean {
  const kindA = basicKind(a);
  const kindB = basicKind(b);
  if (kindA === undefined || kindB === undefined) throw new Error("invalid type for comparison");
  if (kindA !== kindB) throw incompatible(a, b);
  if (kindA === "bool") throw new Error("invalid type for comparison");
  if (kindA === "string") return Buffer.compare(Buffer.from(a as string), Buffer.from(b as string)) < 0;
  return (a as number) < (b as number);
}

function incompatible(a: unknown, b: unknown): Error {
  return new Error(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
}
