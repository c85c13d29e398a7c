import { GantryError } from "../../errors/index.ts";

/**
 * Replaces `$name`, `${name}`, `${name:-word}` and `${name:+word}` as Dockerfile instructions do (Dockerfile reference,
 * "Environment replacement"). A backslash keeps the dollar; an unknown name becomes nothing.
 * @throws INSTRUCTION_INVALID for an unclosed or unknown `${...}` form.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  const pattern = /\\\$|\$(?:(\w+)|\{([^}]*)\}?)/g;
  return text.replace(pattern, (match, plain: string | undefined, braced: string | undefined) => {
    if (match === "\\$") return "$";
    if (plain !== undefined) return lookup(plain) ?? "";
    const form = /^(\w+)(?::([-+])(.*))?$/s.exec(braced ?? "");
    if (form === null || !match.endsWith("}")) {
      throw new GantryError(
        "INSTRUCTION_INVALID",
        `cannot replace the variable in "${text}": "${match}" is not \${name}, \${name:-word} or \${name:+word}`,
      );
    }
    const value = lookup(form[1]!);
    const isSet = value !== undefined && value !== "";
    if (form[2] === "-") return isSet ? value : expandVariables(form[3]!, lookup);
    if (form[2] === "+") return isSet ? expandVariables(form[3]!, lookup) : "";
    return value ?? "";
  });
}

/**
 * Cuts at white space outside quotes. Quotes and backslashes are kept in the words: `unquote` removes them.
 * @throws INSTRUCTION_INVALID when a quote is not closed.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\" && quote !== "'" && i + 1 < text.length) {
      word += char + text[++i]!;
    } else if (quote === "" && /\s/.test(char)) {
      if (word !== "") words.push(word);
      word = "";
    } else {
      if (quote === "" && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = "";
      word += char;
    }
  }
  if (quote !== "")
    throw new GantryError("INSTRUCTION_INVALID", `cannot read "${text}": the quote ${quote} is not closed`);
  if (word !== "") words.push(word);
  return words;
}

/** Removes quotes and the backslashes that protect a character, as a shell would. */
export function unquote(word: string): string {
  return word.replace(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs,
    (_, single?: string, double?: string, escaped?: string) => {
      if (single !== undefined) return single;
      if (double !== undefined) return double.replace(/\\(["\\$])/g, "$1");
      return escaped!;
    },
  );
}

/**
 * `KEY=value KEY2="a value"` or the old form `KEY the rest is the value`.
 * @throws INSTRUCTION_INVALID naming the instruction.
 */
export function parsePairs(instruction: string, text: string): [string, string][] {
  const words = splitWords(text);
  const first = words[0] ?? "";
  if (!first.includes("=")) {
    const rest = text.trim().slice(first.length).trim();
    if (rest === "")
      throw new GantryError("INSTRUCTION_INVALID", `${instruction} must have two arguments: "${text}" has no value`);
    return [[first, unquote(rest)]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at <= 0)
      throw new GantryError(
        "INSTRUCTION_INVALID",
        `cannot read ${instruction}: "${word}" is not of the form key=value`,
      );
    return [unquote(word.slice(0, at)), unquote(word.slice(at + 1))];
  });
}

/** The JSON (exec) form of a list, or undefined where the text is not one: then it is the shell form. */
export function parseJsonList(text: string): string[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}
