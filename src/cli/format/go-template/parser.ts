import { lex, type Token, type TokenType } from "./lexer.ts";
import type { Command, Node, Operand, Pipeline } from "./nodes.ts";
import { goUnquote } from "./go-quote.ts";
import { TemplateError } from "./template-error.ts";

/** A parsed template: its own nodes and those of the templates that it defines. */
export interface ParsedTemplate {
  readonly nodes: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

/**
 * Parses a template in the language of Go's text/template.
 * @param functions the names of the functions there are: others are an error here, as in Go
 * @throws {TemplateError}
 */
export function parseTemplate(source: string, functions: ReadonlySet<string>): ParsedTemplate {
  return new Parser(source, functions).parse();
}

type ListEnd = "end" | "else" | "eof";

class Parser {
  readonly #source: string;
  readonly #tokens: Token[];
  readonly #functions: ReadonlySet<string>;
  readonly #defined = new Map<string, readonly Node[]>();
  #next = 0;
  #variables: string[] = ["$"];
  #rangeDepth = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source;
    this.#functions = functions;
    this.#tokens = lex(source);
  }

  parse(): ParsedTemplate {
    const { nodes, end, at } = this.#list();
    if (end !== "eof") throw this.#error(at, `unexpected {{${end}}}`);
    return { nodes, defined: this.#defined };
  }

  #error(at: number, problem: string): TemplateError {
    return new TemplateError(this.#source, at, problem);
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)]!;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #peekSolid(): Token {
    while (this.#peek().type === "space") this.#next++;
    return this.#peek();
  }

  #takeSolid(): Token {
    this.#peekSolid();
    return this.#take();
  }

  #expect(type: TokenType, context: string): Token {
    const token = this.#takeSolid();
    if (token.type !== type) throw this.#unexpected(token, context);
    return token;
  }

  #unexpected(token: Token, context: string): TemplateError {
    const text =
      token.type === "end"
        ? "EOF"
        : ["keyword", "dot", "nil"].includes(token.type)
          ? `<${token.text}>`
          : goShort(token.text);
    return this.#error(token.at, `unexpected ${text} in ${context}`);
  }

  /** Nodes up to `{{end}}`, `{{else` (not consumed beyond the word) or the end of the text. */
  #list(): { nodes: Node[]; end: ListEnd; at: number } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#take();
      if (token.type === "end") return { nodes, end: "eof", at: token.at };
      if (token.type === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      const word = this.#peekSolid();
      if (word.type !== "keyword") {
        nodes.push({ kind: "action", pipeline: this.#pipeline("command", "close") });
        continue;
      }
      this.#next++;
      if (word.text === "end") {
        this.#expect("close", "end");
        return { nodes, end: "end", at: word.at };
      }
      if (word.text === "else") return { nodes, end: "else", at: word.at };
      const node = this.#keyword(word);
      if (node !== undefined) nodes.push(node);
    }
  }

  #keyword(word: Token): Node | undefined {
    switch (word.text) {
      case "if":
      case "with":
      case "range":
        return this.#control(word.text);
      case "break":
      case "continue":
        if (this.#rangeDepth === 0) throw this.#error(word.at, `{{${word.text}}} outside {{range}}`);
        this.#expect("close", word.text);
        return { kind: word.text };
      case "template": {
        const { at } = this.#peekSolid();
        const name = this.#templateName("template clause");
        const pipeline =
          this.#peekSolid().type === "close" ? void this.#take() : this.#pipeline("template clause", "close");
        return { kind: "template", at, name, pipeline: pipeline ?? undefined };
      }
      case "define": {
        const name = this.#templateName("define clause");
        this.#expect("close", "define clause");
        this.#defined.set(name, this.#inner());
        return undefined;
      }
      default: {
        const name = this.#templateName("block clause");
        const pipeline = this.#pipeline("block clause", "close");
        this.#defined.set(name, this.#inner());
        return { kind: "template", at: word.at, name, pipeline };
      }
    }
  }

  #templateName(context: string): string {
    return goUnquote(this.#expect("string", context).text);
  }

  /** A body with variables of its own, up to its `{{end}}`. */
  #inner(): Node[] {
    const outer = this.#variables;
    this.#variables = ["$"];
    const { nodes, end, at } = this.#list();
    if (end !== "end") throw this.#error(at, end === "eof" ? "unexpected EOF" : "unexpected {{else}} in define clause");
    this.#variables = outer;
    return nodes;
  }

  #control(kind: "if" | "with" | "range"): Node {
    const visible = this.#variables.length;
    const pipeline = this.#pipeline(kind, "close");
    if (kind === "range") this.#rangeDepth++;
    const { nodes: then, end, at } = this.#list();
    if (kind === "range") this.#rangeDepth--;
    let otherwise: Node[] | undefined;
    if (end === "eof") throw this.#error(at, "unexpected EOF");
    if (end === "else") {
      const next = this.#peekSolid();
      if (next.type === "keyword" && next.text === kind && kind !== "range") {
        // {{else if}} shares the outer {{end}}.
        this.#next++;
        otherwise = [this.#control(kind)];
      } else {
        this.#expect("close", next.text === "if" || next.text === "with" ? "input" : "else");
        const rest = this.#list();
        if (rest.end !== "end")
          throw this.#error(rest.at, rest.end === "eof" ? "unexpected EOF" : `expected end; found {{else}}`);
        otherwise = rest.nodes;
      }
    }
    this.#variables.length = visible;
    return { kind, pipeline, then, otherwise };
  }

  #pipeline(context: string, end: "close" | "paren-close"): Pipeline {
    const at = this.#peekSolid().at;
    const { variables, declares } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#peekSolid();
      if (token.type === end) {
        this.#next++;
        if (commands.length === 0) throw this.#error(token.at, `missing value for ${context}`);
        this.#checkStages(commands);
        return { at, variables, declares, commands };
      }
      if (!STARTS_OPERAND.has(token.type)) throw this.#unexpected(token, context);
      commands.push(this.#command());
    }
  }

  /** `nil`, a constant or dot may only start a pipeline: nothing can be passed to it. */
  #checkStages(commands: readonly Command[]): void {
    for (const { at, words } of commands.slice(1)) {
      const first = words[0]!;
      if (["literal", "dot", "nil"].includes(first.kind)) {
        throw this.#error(at, `non executable command in pipeline stage ${commands.findIndex((c) => c.at === at) + 1}`);
      }
    }
  }

  #declarations(context: string): { variables: string[]; declares: boolean } {
    const start = this.#next;
    const variables: string[] = [];
    while (this.#peekSolid().type === "variable") {
      const variable = this.#take();
      const after = this.#peekSolid();
      if (after.type === "declare" || after.type === "assign") {
        this.#next++;
        variables.push(variable.text);
        const declares = after.type === "declare";
        if (!declares) for (const name of variables) this.#checkVariable(name, variable.at);
        else this.#variables.push(...variables);
        return { variables, declares };
      }
      if (after.type !== "comma") break;
      if (context !== "range" || variables.length > 0)
        throw this.#error(after.at, `too many declarations in ${context}`);
      this.#next++;
      variables.push(variable.text);
    }
    this.#next = start;
    return { variables: [], declares: false };
  }

  #checkVariable(name: string, at: number): void {
    if (!this.#variables.includes(name)) throw this.#error(at, `undefined variable ${JSON.stringify(name)}`);
  }

  #command(): Command {
    const at = this.#peekSolid().at;
    const words: Operand[] = [];
    for (;;) {
      this.#peekSolid();
      const operand = this.#operand();
      if (operand !== undefined) words.push(operand);
      const token = this.#peek();
      if (token.type === "space") {
        this.#next++;
        continue;
      }
      if (token.type === "close" || token.type === "paren-close") break;
      if (token.type === "pipe") {
        this.#next++;
        break;
      }
      throw this.#unexpected(token, "operand");
    }
    if (words.length === 0) throw this.#error(at, "empty command");
    return { at, words };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().type !== "field") return term;
    // Go's errors point at the second name of a chain.
    const { at } = this.#peek();
    const names: string[] = [];
    while (this.#peek().type === "field") names.push(this.#take().text.slice(1));
    switch (term.kind) {
      case "field":
      case "variable":
        return { ...term, at, names: [...term.names, ...names] };
      case "literal":
      case "nil":
      case "dot":
        throw this.#error(
          term.at,
          `unexpected . after term ${JSON.stringify(term.kind === "literal" ? term.text : term.kind)}`,
        );
      default:
        return { kind: "chain", at, of: term, names };
    }
  }

  #term(): Operand | undefined {
    const token = this.#peek();
    if (!STARTS_OPERAND.has(token.type)) return undefined;
    this.#next++;
    const { at, text } = token;
    switch (token.type) {
      case "identifier":
        if (!this.#functions.has(text)) throw this.#error(at, `function ${JSON.stringify(text)} not defined`);
        return { kind: "function", at, name: text };
      case "dot":
        return { kind: "dot", at };
      case "nil":
        return { kind: "nil", at };
      case "variable":
        this.#checkVariable(text, at);
        return { kind: "variable", at, name: text, names: [] };
      case "field":
        return { kind: "field", at, names: [text.slice(1)] };
      case "bool":
        return { kind: "literal", at, text, value: text === "true" };
      case "char":
        return { kind: "literal", at, text, value: this.#character(text, at) };
      case "number":
        return { kind: "literal", at, text, value: this.#number(text, at) };
      case "string":
        return { kind: "literal", at, text, value: this.#unquote(text, at) };
      default:
        return { kind: "pipeline", at, pipeline: this.#pipeline("parenthesized pipeline", "paren-close") };
    }
  }

  #unquote(text: string, at: number): string {
    try {
      return goUnquote(text);
    } catch {
      throw this.#error(at, "invalid syntax");
    }
  }

  #character(text: string, at: number): number {
    const [only, ...others] = Array.from(this.#unquote(text, at));
    if (only === undefined || others.length > 0) throw this.#error(at, `malformed character constant: ${text}`);
    return only.codePointAt(0)!;
  }

  #number(text: string, at: number): number | bigint {
    const plain = text.replaceAll("_", "");
    const magnitude = plain.replace(/^[+-]/, "");
    const octal = /^0[0-7]+$/.test(magnitude) ? `0o${magnitude.slice(1)}` : magnitude;
    const value = Number(octal);
    if (Number.isNaN(value)) throw this.#error(at, `bad number syntax: ${JSON.stringify(text)}`);
    const sign = plain.startsWith("-") ? -1 : 1;
    if (Number.isSafeInteger(value) || /[.eE]/.test(magnitude)) return sign * value;
    return BigInt(sign) * BigInt(octal);
  }
}

const STARTS_OPERAND: ReadonlySet<TokenType> = new Set<TokenType>([
  "bool",
  "char",
  "dot",
  "field",
  "identifier",
  "nil",
  "number",
  "paren-open",
  "string",
  "variable",
]);

/** A token in an error text: quoted, at most ten characters of it. */
function goShort(text: string): string {
  return text.length > 10 ? `${JSON.stringify(text.slice(0, 10))}...` : JSON.stringify(text);
}
