import { badInstruction } from "./instruction-lines.ts";

type Lookup = (name: string) => string | undefined;

/**
 * Evaluates a word as Dockerfile instructions do (Dockerfile reference, "Environment replacement"): quotes and the
 * backslashes that protect a character go; `$name`, `${name}`, `${name:-word}`, `:+word` and `:?word`, and the same
 * without the colon, are replaced, but not within single quotes. An unknown name becomes nothing.
 * @throws INSTRUCTION_INVALID
 */
export function expandWord(word: string, lookup: Lookup): string {
  return new WordExpansion(word, lookup).expand();
}

class WordExpansion {
  readonly #word: string;
  readonly #lookup: Lookup;
  #at = 0;

  constructor(word: string, lookup: Lookup) {
    this.#word = word;
    this.#lookup = lookup;
  }

  expand(): string {
    return this.#until(undefined);
  }

  /** To the closing character, which is passed over, or to the end. */
  #until(closing: string | undefined): string {
    let out = "";
    while (this.#at < this.#word.length) {
      const char = this.#next();
      if (char === closing) return out;
      if (char === "'") out += this.#singleQuoted();
      else if (char === '"') out += this.#doubleQuoted();
      else if (char === "$") out += this.#variable();
      else if (char === "\\") out += this.#next();
      else out += char;
    }
    if (closing !== undefined) throw this.#failed(`unexpected end of statement while looking for matching ${closing}`);
    return out;
  }

  #singleQuoted(): string {
    const end = this.#word.indexOf("'", this.#at);
    if (end < 0) throw this.#failed("unexpected end of statement while looking for matching single-quote");
    const text = this.#word.slice(this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(): string {
    let out = "";
    while (this.#at < this.#word.length) {
      const char = this.#next();
      if (char === '"') return out;
      if (char === "$") {
        out += this.#variable();
      } else if (char === "\\") {
        const escaped = this.#next();
        out += /^["$\\]$/.test(escaped) ? escaped : char + escaped;
      } else {
        out += char;
      }
    }
    throw this.#failed("unexpected end of statement while looking for matching double-quote");
  }

  #variable(): string {
    if (this.#word[this.#at] !== "{") {
      const name = this.#name();
      return name === "" ? "$" : (this.#lookup(name) ?? "");
    }
    this.#at++;
    const name = this.#name();
    if (name === "") throw this.#failed("syntax error: bad substitution");
    const value = this.#lookup(name);
    let modifier = this.#next();
    if (modifier === "}") return value ?? "";
    // With the colon an empty value counts as none.
    const hasColon = modifier === ":";
    if (hasColon) modifier = this.#next();
    const isSet = hasColon ? (value ?? "") !== "" : value !== undefined;
    if (!/^[-+?]$/.test(modifier)) {
      throw this.#failed(
        hasColon ? `unsupported modifier (${modifier}) in substitution` : "missing ':' in substitution",
      );
    }
    const word = this.#until("}");
    if (modifier === "+") return isSet ? word : "";
    if (isSet) return value as string;
    if (modifier === "-") return word;
    throw this.#failed(`${name}: ${word === "" ? "is not allowed to be empty" : word}`);
  }

  /** A name, a number, or one of the shell's special parameters; empty where none of them follows. */
  #name(): string {
    const name = /^(?:[A-Za-z_]\w*|\d+|[@*#?$!-])/.exec(this.#word.slice(this.#at))?.[0] ?? "";
    this.#at += name.length;
    return name;
  }

  #next(): string {
    return this.#word[this.#at++] ?? "";
  }

  #failed(why: string) {
    return badInstruction(`failed to process ${JSON.stringify(this.#word)}: ${why}`);
  }
}
