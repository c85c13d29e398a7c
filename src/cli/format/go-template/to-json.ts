/** An object may bring its own JSON text under this name. */
export const JSON_TEXT = Symbol("JSON text");

/**
 * JSON as Docker's clients print it: no white space, or `indent` blanks a level; nothing escaped for HTML; an empty object
 * or array stays on one line. Functions (methods) are left out.
 */
export function toJson(value: unknown, indent = 0): string {
  if (value === undefined) return "null";
  const own =
    typeof value === "object" && value !== null ? (value as { [JSON_TEXT]?: () => string })[JSON_TEXT] : undefined;
  if (own !== undefined) return own();
  const found: bigint[] = [];
  const digits = (element: bigint): string => {
    found.push(element);
    return `${BIG_INTEGER}${element}`;
  };
  const text = JSON.stringify(
    value,
    (_, element: unknown) => (typeof element === "bigint" ? digits(element) : element),
    indent,
  );
  // Go escapes the two line separators that JavaScript leaves.
  const escaped = text.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  return found.length > 0 ? escaped.replace(/"\\u0000int:(-?\d+)"/g, "$1") : escaped;
}

/** Marks the text of a number that has more digits than JavaScript's: they are all written. */
const BIG_INTEGER = "\0int:";
