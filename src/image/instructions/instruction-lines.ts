import { GantryError } from "../../errors/index.ts";

/** One instruction of a Dockerfile, its lines joined. */
export interface Instruction {
  /** In upper case. */
  name: string;
  /** Words right after the name that begin with two dashes, as written. */
  flags: string[];
  /** What follows, without white space at its ends. */
  text: string;
}

/**
 * Cuts a text into instructions (Dockerfile reference, "Format"): comments and empty lines are passed over, also between
 * a line that ends with a backslash and the one that continues it.
 */
export function parseInstructions(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let open: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    // Two backslashes are one that is meant.
    const continued = /^(|.*[^\\])\\[ \t]*$/s.exec(line)?.[1];
    open = (open ?? "") + (continued ?? line);
    if (continued !== undefined) continue;
    instructions.push(instructionOf(open));
    open = undefined;
  }
  if (open !== undefined && open.trim() !== "") instructions.push(instructionOf(open));
  return instructions;
}

function instructionOf(line: string): Instruction {
  const [, name = "", rest = ""] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) as RegExpExecArray;
  const flags: string[] = [];
  let text = rest;
  for (let word = nextFlag(text); word !== undefined; word = nextFlag(text)) {
    text = text.slice(word.length).trimStart();
    // Two dashes alone end the flags.
    if (word === "--") break;
    flags.push(word);
  }
  return { name: name.toUpperCase(), flags, text };
}

function nextFlag(text: string): string | undefined {
  return /^--\S*/.exec(text)?.[0];
}

/** What is wrong with an instruction, in Docker's words. */
export function badInstruction(why: string, remedy?: string): GantryError {
  return new GantryError("INSTRUCTION_INVALID", why, remedy === undefined ? {} : { remedy });
}
