import { rangeOver, type TemplateFunction } from "./functions.ts";
import { goPrint } from "./go-format.ts";
import { type Command, type Node, type Operand, type Pipeline, show } from "./nodes.ts";
import type { ParsedTemplate } from "./parser.ts";
import { ExecutionError } from "./template-error.ts";
import { isInt, isNilPointer, isTrue, structName, typeName } from "./values.ts";

export interface EvaluateOptions {
  readonly source: string;
  readonly functions: Readonly<Record<string, TemplateFunction>>;
}

/**
 * Carries a parsed template out on `data`.
 * @throws {ExecutionError}
 */
export function evaluate(template: ParsedTemplate, data: unknown, options: EvaluateOptions): string {
  const evaluation = new Evaluation(template, options);
  evaluation.body(template.nodes, data);
  return evaluation.text;
}

interface Variable {
  readonly name: string;
  value: unknown;
}

/** Ends a range or one round of it. */
class LoopExit extends Error {
  constructor(readonly kind: "break" | "continue") {
    super(kind);
  }
}

/** No value was piped in; `undefined` is a value. */
const NOTHING = Symbol("nothing");
const MAX_TEMPLATE_DEPTH = 1000;

class Evaluation {
  text = "";
  readonly #template: ParsedTemplate;
  readonly #options: EvaluateOptions;
  #variables: Variable[] = [];
  #depth = 0;

  constructor(template: ParsedTemplate, options: EvaluateOptions) {
    this.#template = template;
    this.#options = options;
  }

  #error(node: Operand | Command | Pipeline, problem: string): ExecutionError {
    return new ExecutionError(this.#options.source, node.at, show(node), problem);
  }

  /** A template's nodes with `$` standing for `data`. */
  body(nodes: readonly Node[], data: unknown): void {
    const outer = this.#variables;
    this.#variables = [{ name: "$", value: data }];
    this.#walk(nodes, data);
    this.#variables = outer;
  }

  #walk(nodes: readonly Node[], dot: unknown): void {
    for (const node of nodes) this.#node(node, dot);
  }

  #node(node: Node, dot: unknown): void {
    switch (node.kind) {
      case "text":
        this.text += node.text;
        return;
      case "action": {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length > 0) return;
        if (typeof value === "function") throw this.#error(node.pipeline, "can't print a method: it has arguments");
        this.text += value === undefined || value === null ? "<no value>" : goPrint(value);
        return;
      }
      case "if":
      case "with": {
        const visible = this.#variables.length;
        const value = this.#pipeline(node.pipeline, dot);
        if (isTrue(value)) this.#walk(node.then, node.kind === "with" ? value : dot);
        else if (node.otherwise !== undefined) this.#walk(node.otherwise, dot);
        this.#variables.length = visible;
        return;
      }
      case "range":
        this.#range(node.pipeline, node.then, node.otherwise, dot);
        return;
      case "template": {
        const nodes = this.#template.defined.get(node.name);
        const where: Operand = {
          kind: "literal",
          at: node.at,
          value: node.name,
          text: `{{template ${JSON.stringify(node.name)}}}`,
        };
        if (nodes === undefined) throw this.#error(where, `template ${JSON.stringify(node.name)} not defined`);
        if (++this.#depth > MAX_TEMPLATE_DEPTH) throw this.#error(where, "exceeded maximum template depth");
        this.body(nodes, node.pipeline === undefined ? undefined : this.#pipeline(node.pipeline, dot));
        this.#depth--;
        return;
      }
      default:
        throw new LoopExit(node.kind);
    }
  }

  #range(pipeline: Pipeline, nodes: readonly Node[], otherwise: readonly Node[] | undefined, dot: unknown): void {
    const visible = this.#variables.length;
    const value = this.#pipeline({ ...pipeline, variables: [] }, dot);
    let rounds: Generator<[unknown, unknown]>;
    let any = false;
    try {
      rounds = rangeOver(value);
      for (const [key, element] of rounds) {
        any = true;
        this.#variables.length = visible;
        const [first, second] = pipeline.variables;
        const given: Variable[] = [];
        if (first !== undefined) given.push({ name: first, value: second === undefined ? element : key });
        if (second !== undefined) given.push({ name: second, value: element });
        for (const { name, value: bound } of given) {
          if (pipeline.declares) this.#variables.push({ name, value: bound });
          else this.#assign(name, bound);
        }
        try {
          this.#walk(nodes, element);
        } catch (error) {
          if (!(error instanceof LoopExit)) throw error;
          if (error.kind === "break") break;
        }
      }
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("range can't")) throw this.#error(pipeline, error.message);
      throw error;
    }
    this.#variables.length = visible;
    if (!any && otherwise !== undefined) this.#walk(otherwise, dot);
  }

  #assign(name: string, value: unknown): void {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    if (variable !== undefined) variable.value = value;
  }

  #pipeline(pipeline: Pipeline, dot: unknown): unknown {
    let value: unknown = NOTHING;
    for (const command of pipeline.commands) value = this.#command(command, dot, value);
    for (const name of pipeline.variables) {
      if (pipeline.declares) this.#variables.push({ name, value });
      else this.#assign(name, value);
    }
    return value;
  }

  #command(command: Command, dot: unknown, piped: unknown): unknown {
    const [first, ...args] = command.words as [Operand, ...Operand[]];
    switch (first.kind) {
      case "field":
        return this.#fields(first, dot, first.names, dot, args, piped);
      case "variable":
        return this.#fields(first, this.#variable(first), first.names, dot, args, piped);
      case "chain":
        return this.#fields(first, this.#operand(first.of, dot), first.names, dot, args, piped);
      case "function":
        return this.#call(command, first, args, dot, piped);
      case "nil":
        throw this.#error(first, "nil is not a command");
      default:
        if (args.length > 0 || piped !== NOTHING)
          throw this.#error(first, `can't give argument to non-function ${show(first)}`);
        return this.#operand(first, dot);
    }
  }

  #variable(operand: { kind: "variable"; name: string }): unknown {
    return this.#variables.findLast((candidate) => candidate.name === operand.name)?.value;
  }

  /** An operand as an argument: a field, variable or function takes no arguments of its own here. */
  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "literal":
        return operand.value;
      case "pipeline":
        return this.#pipeline(operand.pipeline, dot);
      default:
        return this.#command({ at: operand.at, words: [operand] }, dot, NOTHING);
    }
  }

  /** `.A.B.C args`: the arguments belong to the last name, which must then be a method. */
  #fields(
    node: Operand,
    start: unknown,
    names: readonly string[],
    dot: unknown,
    args: readonly Operand[],
    piped: unknown,
  ): unknown {
    let value = start;
    const hasArguments = args.length > 0 || piped !== NOTHING;
    if (names.length === 0 && hasArguments)
      throw this.#error(node, `can't give argument to non-function ${show(node)}`);
    for (const [i, name] of names.entries()) {
      value = this.#field(node, value, name);
      const last = i === names.length - 1;
      if (typeof value === "function") {
        const given = last ? args.map((arg) => this.#operand(arg, dot)) : [];
        if (last && piped !== NOTHING) given.push(piped);
        if (given.length !== value.length) {
          throw this.#error(node, `wrong number of args for ${name}: want ${value.length} got ${given.length}`);
        }
        value = (value as (...values: unknown[]) => unknown)(...given);
      } else if (last && hasArguments) throw this.#error(node, `${name} is not a method but has arguments`);
    }
    return value;
  }

  #field(node: Operand, receiver: unknown, name: string): unknown {
    if (receiver === undefined) return undefined;
    if (receiver === null || isNilPointer(receiver))
      throw this.#error(node, `nil pointer evaluating interface {}.${name}`);
    if (typeof receiver !== "object" || Array.isArray(receiver)) {
      throw this.#error(node, `can't evaluate field ${name} in type ${typeName(receiver)}`);
    }
    const type = structName(receiver);
    // Structs may be classes whose fields are getters, computed when they are asked for.
    const found = type === undefined ? Object.hasOwn(receiver, name) : name in receiver && !(name in Object.prototype);
    if (found) return (receiver as Readonly<Record<string, unknown>>)[name];
    if (type === undefined) return undefined;
    throw this.#error(
      node,
      type === "" ? `map has no entry for key ${JSON.stringify(name)}` : `can't evaluate field ${name} in type ${type}`,
    );
  }

  #call(
    command: Command,
    node: Extract<Operand, { kind: "function" }>,
    args: readonly Operand[],
    dot: unknown,
    piped: unknown,
  ): unknown {
    const { name } = node;
    if (name === "and" || name === "or") return this.#shortCircuit(node, args, dot, piped);
    const definition = this.#options.functions[name]!;
    const values = args.map((arg) => this.#operand(arg, dot));
    if (piped !== NOTHING) values.push(piped);
    const { takes, variadic } = definition;
    const least = variadic === true ? takes.length - 1 : takes.length;
    if (values.length < least || (variadic !== true && values.length > least)) {
      const wanted = variadic === true ? `at least ${least}` : String(least);
      throw this.#error(node, `wrong number of args for ${name}: want ${wanted} got ${values.length}`);
    }
    for (const [i, value] of values.entries()) {
      const type = takes[Math.min(i, takes.length - 1)]!;
      const fits = type === "any" || (type === "string" ? typeof value === "string" : isInt(value));
      if (fits) continue;
      const where = args[i] ?? node;
      if (value === undefined || value === null) throw this.#error(where, `invalid value; expected ${type}`);
      if (where.kind === "literal") {
        throw this.#error(where, `expected ${type === "int" ? "integer" : type}; found ${where.text}`);
      }
      throw this.#error(where, `wrong type for value; expected ${type}; got ${typeName(value)}`);
    }
    try {
      return definition.call(values);
    } catch (error) {
      throw this.#error(command, `error calling ${name}: ${(error as Error).message}`);
    }
  }

  #shortCircuit(
    node: Extract<Operand, { kind: "function" }>,
    args: readonly Operand[],
    dot: unknown,
    piped: unknown,
  ): unknown {
    if (args.length === 0 && piped === NOTHING) {
      throw this.#error(node, `wrong number of args for ${node.name}: want at least 1 got 0`);
    }
    const stopsAt = node.name === "or";
    let value: unknown;
    for (const arg of args) {
      value = this.#operand(arg, dot);
      if (isTrue(value) === stopsAt) return value;
    }
    return piped === NOTHING ? value : piped;
  }
}
