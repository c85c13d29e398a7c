import { TemplateError } from "./template-error.ts";

export type TokenType =
  | "text"
  | "open"
  | "close"
  | "field"
  | "identifier"
  | "variable"
  | "keyword"
  | "dot"
  | "nil"
  | "bool"
  | "number"
  | "char"
  | "string"
  | "pipe"
  | "paren-open"
  | "paren-close"
  | "space"
  | "comma"
  | "declare"
  | "assign"
  | "other"
  | "end";

export interface Token {
  readonly type: TokenType;
  /** As written, delimiters and quotes included. */
  readonly text: string;
  /** Index of the first character in the template. */
  readonly at: number;
}

const KEYWORDS = new Set("if else end range with template define block break continue".split(" "));
const WHITE = " \t\r\n";

/**
 * Cuts a Go template (text/template) into tokens; white space next to `{{- ` and ` -}}` and comments are gone.
 * @throws {TemplateError} for text that cannot be cut
 */
export function lex(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  /** The last action ended in ` -}}`. */
  let trimNext = false;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    const textEnd = open < 0 ? source.length : open;
    const trimBefore = open >= 0 && isTrim(source, open + 2);
    let text = source.slice(at, textEnd);
    let textAt = at;
    if (trimNext) {
      const trimmed = text.replace(/^[ \t\r\n]+/, "");
      textAt += text.length - trimmed.length;
      text = trimmed;
    }
    if (trimBefore) text = text.replace(/[ \t\r\n]+$/, "");
    if (text !== "") tokens.push({ type: "text", text, at: textAt });
    trimNext = false;
    if (open < 0) break;
    at = open + 2 + (trimBefore ? 2 : 0);
    if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at);
      if (end < 0) throw new TemplateError(source, open, "unclosed comment");
      at = end + 2;
      trimNext = isClosingTrim(source, at);
      if (trimNext) at += 2;
      if (!source.startsWith("}}", at)) throw new TemplateError(source, open, "comment ends before closing delimiter");
      at += 2;
      continue;
    }
    tokens.push({ type: "open", text: "{{", at: open });
    ({ at, trimNext } = lexAction(source, at, tokens));
  }
  tokens.push({ type: "end", text: "", at: source.length });
  return tokens;
}

function isTrim(source: string, at: number): boolean {
  return source[at] === "-" && at + 1 < source.length && WHITE.includes(source[at + 1]!);
}

function isClosingTrim(source: string, at: number): boolean {
  return at < source.length && WHITE.includes(source[at]!) && source.startsWith("-}}", at + 1);
}

/** The inside of one action up to and including its `}}`. */
function lexAction(source: string, start: number, tokens: Token[]): { at: number; trimNext: boolean } {
  let at = start;
  let parens = 0;
  const push = (type: TokenType, length: number): void => {
    tokens.push({ type, text: source.slice(at, at + length), at });
    at += length;
  };
  for (;;) {
    if (at >= source.length) throw new TemplateError(source, at, "unclosed action");
    if (isClosingTrim(source, at) || source.startsWith("}}", at)) {
      if (parens > 0) throw new TemplateError(source, at, "unclosed left paren");
      const trimNext = !source.startsWith("}}", at);
      if (trimNext) at += 2;
      push("close", 2);
      return { at, trimNext };
    }
    const rest = source.slice(at);
    const first = rest[0]!;
    let match: RegExpExecArray | null;
    if ((match = /^[ \t\r\n]+/.exec(rest)) !== null) {
      // The blank that belongs to a closing ` -}}` is not part of the run before it.
      const length = /[ \t\r\n]-}}/.test(rest.slice(match[0].length - 1, match[0].length + 3))
        ? match[0].length - 1
        : match[0].length;
      push("space", Math.max(1, length));
    } else if (first === "(") {
      parens++;
      push("paren-open", 1);
    } else if (first === ")") {
      if (--parens < 0) throw new TemplateError(source, at, "unexpected right paren");
      push("paren-close", 1);
    } else if (first === "|") push("pipe", 1);
    else if (first === ",") push("comma", 1);
    else if (first === "=") push("assign", 1);
    else if (first === ":") {
      if (rest[1] !== "=") throw new TemplateError(source, at, "expected :=");
      push("declare", 2);
    } else if (first === '"') push("string", quotedLength(source, at, '"', "unterminated quoted string"));
    else if (first === "'") push("char", quotedLength(source, at, "'", "unterminated character constant"));
    else if (first === "`") {
      const end = source.indexOf("`", at + 1);
      if (end < 0) throw new TemplateError(source, at, "unterminated raw quoted string");
      push("string", end + 1 - at);
    } else if ((match = /^\.[\p{L}_][\p{L}\p{Nd}_]*/u.exec(rest)) !== null) push("field", match[0].length);
    else if ((match = /^\$[\p{L}\p{Nd}_]*/u.exec(rest)) !== null) push("variable", match[0].length);
    else if (
      (match = /^[+-]?(0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?)/.exec(
        rest,
      )) !== null
    )
      push("number", match[0].length);
    else if (first === ".") push("dot", 1);
    else if ((match = /^[\p{L}_][\p{L}\p{Nd}_]*/u.exec(rest)) !== null) {
      const word = match[0];
      const type = KEYWORDS.has(word)
        ? "keyword"
        : word === "nil"
          ? "nil"
          : word === "true" || word === "false"
            ? "bool"
            : "identifier";
      push(type, word.length);
    } else if (first >= " " && first <= "~") push("other", 1);
    else throw new TemplateError(source, at, `unrecognized character in action: ${describeCharacter(rest)}`);
    const last = tokens[tokens.length - 1]!;
    if (["field", "variable", "identifier", "keyword", "nil", "bool", "number"].includes(last.type))
      checkTerminator(source, at);
  }
}

/** After a word must come a delimiter: `.a+b` is a mistake, not `.a` and `+b`. */
function checkTerminator(source: string, at: number): void {
  const next = source[at];
  if (next === undefined || ` \t\r\n.,|:()=`.includes(next) || source.startsWith("}}", at)) return;
  throw new TemplateError(source, at, `bad character ${describeCharacter(source.slice(at))}`);
}

function quotedLength(source: string, start: number, quote: string, problem: string): number {
  for (let at = start + 1; at < source.length && source[at] !== "\n"; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote) return at + 1 - start;
  }
  throw new TemplateError(source, start, problem);
}

function describeCharacter(text: string): string {
  const code = text.codePointAt(0)!;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")} '${String.fromCodePoint(code)}'`;
}
