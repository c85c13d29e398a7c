const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/**
 * The text that a Go literal in double, single or back quotes stands for (Go specification, "String literals").
 * @throws {Error} for an escape that Go does not have
 */
export function goUnquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith("`")) return body.replaceAll("\r", "");
  return body.replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|.|$)/gsu, (_, escape: string) => {
    const simple = ESCAPES[escape];
    if (simple !== undefined) return simple;
    if (/^[xuU]./.test(escape)) return String.fromCodePoint(parseInt(escape.slice(1), 16));
    if (/^[0-7]{3}$/.test(escape)) return String.fromCodePoint(parseInt(escape, 8));
    throw new Error("invalid syntax");
  });
}

/** The text as a Go literal in double quotes, as `%q` prints it. */
export function goQuote(text: string): string {
  return `"${Array.from(text, (character) => quotedCharacter(character, '"')).join("")}"`;
}

/** One character as a Go literal in single quotes. */
export function goQuoteCharacter(character: string): string {
  return `'${quotedCharacter(character, "'")}'`;
}

function quotedCharacter(character: string, quote: string): string {
  if (character === quote || character === "\\") return `\\${character}`;
  for (const letter of "abfnrtv") if (ESCAPES[letter] === character) return `\\${letter}`;
  const code = character.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) return character;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
