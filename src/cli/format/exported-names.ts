/**
 * A copy of plain data whose fields are written as Go's exported ones, and so Docker's JSON: `diffId` becomes `DiffId`. Undefined
 * fields are left out.
 */
export function exportedNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(exportedNames);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name.charAt(0).toUpperCase() + name.slice(1), exportedNames(field)]),
  );
}
