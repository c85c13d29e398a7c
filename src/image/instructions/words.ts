import { badInstruction } from "./instruction-lines.ts";

/** Cuts at white space outside quotes. Quotes and backslashes are kept in the words: `expandWord` evaluates them. */
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
  if (word !== "") words.push(word);
  return words;
}

/**
 * `KEY=value KEY2="a value"`, or the old form `KEY the rest is the value`; keys and values still to be evaluated.
 * @throws INSTRUCTION_INVALID naming the instruction
 */
export function parsePairs(instruction: string, text: string): [string, string][] {
  const words = splitWords(text);
  if (words[0]?.includes("=") === false) {
    const [, name, value] = /^(\S+)\s+(.+)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw badInstruction(`${instruction} must have two arguments`);
    return [[name, value]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 0) {
      throw badInstruction(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
        "Quote values that have spaces in them.",
      );
    }
    if (at === 0) throw badInstruction(`${instruction} names can not be blank`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/**
 * The JSON (exec) form of a list, or undefined where the text is not one: then it is the shell form.
 * @throws INSTRUCTION_INVALID for a list of something else than strings
 */
export function parseJsonList(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  if (!list.every((item) => typeof item === "string")) {
    throw badInstruction("when using JSON array syntax, arrays must be comprised of strings only");
  }
  return list;
}
