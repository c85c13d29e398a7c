/**
 * A copy of plain data whose fields are written as Go's exported ones, and so Docker's JSON: `diffId` becomes `DiffId`. Undefined
 * fields are left out; what has a toJSON is what that returns.
 */
export function exportedNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(exportedNames);
  if (typeof value !== "object" || value === null) return value;
  if (hasJson(value)) return exportedNames(value.toJSON());
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name.charAt(0).toUpperCase() + name.slice(1), exportedNames(field)]),
  );
}

function hasJson(value: object): value is { toJSON(): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}
