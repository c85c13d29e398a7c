/** A part of a template that stands in a pipeline. `at` is its place in the source, for error texts. */
export type Operand =
  | { kind: "dot"; at: number }
  | { kind: "nil"; at: number }
  | { kind: "literal"; at: number; value: string | number | boolean | bigint; text: string }
  /** `.A.B` */
  | { kind: "field"; at: number; names: readonly string[] }
  /** `$x.A.B` */
  | { kind: "variable"; at: number; name: string; names: readonly string[] }
  /** `(...).A.B` */
  | { kind: "chain"; at: number; of: Operand; names: readonly string[] }
  | { kind: "function"; at: number; name: string }
  | { kind: "pipeline"; at: number; pipeline: Pipeline };

/** A function or method and its arguments; a lone operand is a command without arguments. */
export interface Command {
  readonly at: number;
  readonly words: readonly Operand[];
}

export interface Pipeline {
  readonly at: number;
  /** `$x :=`, `$x =`, `$i, $e :=` */
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

export type Node =
  | { kind: "text"; text: string }
  | { kind: "action"; pipeline: Pipeline }
  | { kind: "if" | "with" | "range"; pipeline: Pipeline; then: readonly Node[]; otherwise: readonly Node[] | undefined }
  | { kind: "template"; at: number; name: string; pipeline: Pipeline | undefined }
  | { kind: "break" | "continue" };

/** The node as Go writes it in its error texts. */
export function show(node: Operand | Command | Pipeline): string {
  if ("commands" in node) {
    const names = node.variables.length === 0 ? "" : `${node.variables.join(", ")} ${node.declares ? ":=" : "="} `;
    return names + node.commands.map(show).join(" | ");
  }
  if ("words" in node) return node.words.map(show).join(" ");
  switch (node.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "literal":
      return node.text;
    case "field":
      return node.names.map((name) => `.${name}`).join("");
    case "variable":
      return [node.name, ...node.names].join(".");
    case "chain":
      return show(node.of) + node.names.map((name) => `.${name}`).join("");
    case "function":
      return node.name;
    case "pipeline":
      return `(${show(node.pipeline)})`;
  }
}
