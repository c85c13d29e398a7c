import { GantryError } from "../errors/index.ts";

/**
 * What Go's path.Match makes of a pattern, as Docker's reference filter uses it: `*` and `?` do not match a `/`, `[a-z]`
 * and `[^a-z]` are classes, a backslash takes the next character as it is.
 * @returns whether a name matches as a whole
 * @throws USAGE for a malformed pattern
 */
export function pathMatcher(pattern: string): (name: string) => boolean {
  const characters = Array.from(pattern);
  let source = "";
  let at = 0;
  const malformed = (): GantryError =>
    new GantryError("USAGE", "syntax error in pattern", {
      details: { pattern },
      remedy: "Use *, ?, [a-z] or [^a-z]; a backslash takes the next character as it is.",
    });
  /** The next character of the pattern, unescaped, as a regular expression writes it. */
  const literal = (): string => {
    if (characters[at] === "\\") at++;
    const character = characters[at++];
    if (character === undefined) throw malformed();
    return character.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
  };
  const characterClass = (): string => {
    const negated = characters[at] === "^";
    if (negated) at++;
    let body = "";
    do {
      if (characters[at] === "]" || characters[at] === "-") throw malformed();
      const low = literal();
      if (characters[at] !== "-") {
        body += low;
        continue;
      }
      at++;
      if (characters[at] === "]") throw malformed();
      const high = literal();
      // A range from high to low is valid and matches nothing; JavaScript would refuse it.
      if (codePoint(low) <= codePoint(high)) body += `${low}-${high}`;
    } while (characters[at] !== "]");
    at++;
    if (body === "") return negated ? "[^]" : "(?!)";
    return `[${negated ? "^" : ""}${body}]`;
  };
  while (at < characters.length) {
    const character = characters[at];
    if (character === "*" || character === "?" || character === "[") at++;
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") source += characterClass();
    else source += literal();
  }
  const expression = new RegExp(`^(?:${source})$`, "su");
  return (name) => expression.test(name);
}

function codePoint(literal: string): number {
  return literal.codePointAt(literal.length > 1 && literal.startsWith("\\") ? 1 : 0)!;
}
