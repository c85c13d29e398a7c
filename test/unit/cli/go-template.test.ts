import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileTemplate } from "../../../src/cli/format/go-template/template.ts";
import { HEADER_FUNCTIONS } from "../../../src/cli/format/go-template/functions.ts";
import { nilMap, nilPointer, nilSlice, struct } from "../../../src/cli/format/go-template/values.ts";

interface Golden {
  readonly data: unknown;
  readonly cases: readonly { template: string; output?: string; error?: string }[];
}

/** Made by a Go 1.26 program with Docker's functions; whole numbers are ints in it, lists and maps of text []string and map[string]string. */
const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../golden/go-templates.json"), "utf8")) as Golden;

function run(template: string, data: unknown): { output?: string; error?: string } {
  try {
    return { output: compileTemplate(template).execute(data) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** The Go program's map holds values of static type interface{}, which its texts name instead of the value's own type. */
function withoutFieldType(error: string): string {
  return error.replace(/(can't evaluate field \w+ in type ).*$/, "$1T");
}

describe("templates give what Go's text/template gave for the same data", () => {
  it.each(golden.cases)("$template", ({ template, output, error }) => {
    const got = run(template, golden.data);
    if (error === undefined) expect(got).toEqual({ output });
    else expect(withoutFieldType(got.error ?? `no error but ${String(got.output)}`)).toBe(withoutFieldType(error));
  });
});

describe("structs", () => {
  const state = struct({ Status: "running", Health: struct({}), Ports: { "80/tcp": struct({}) }, Labels: {} });

  it("print their fields in order, without names", () => {
    expect(run("{{.}}", state).output).toBe("{running {} map[80/tcp:{}] map[]}");
    expect(run('{{printf "%+v" .}}', state).output).toBe(
      "{Status:running Health:{} Ports:map[80/tcp:{}] Labels:map[]}",
    );
  });

  it("refuse a field that they do not have, in the words of docker inspect", () => {
    expect(run("{{.Stat}}", state).error).toBe(
      'template: :1:2: executing "" at <.Stat>: map has no entry for key "Stat"',
    );
    expect(run("{{.Stat}}", struct({}, "image")).error).toMatch(/can't evaluate field Stat in type image$/);
  });

  it("have nil lists and maps that are empty as text and null in JSON", () => {
    const config = struct({ Cmd: nilSlice(), Volumes: nilMap() });
    expect(run("{{.Cmd}} {{.Volumes}} {{json .}} {{len .Cmd}}", config).output).toBe(
      '[] map[] {"Cmd":null,"Volumes":null} 0',
    );
  });

  it("may have methods with arguments", () => {
    const row = struct({ Label: (name: string) => `<${name}>`, Name: "x" });
    expect(run('{{.Label "a"}} {{"b" | .Label}}', row).output).toBe("<a> <b>");
    expect(run("{{.Label}}", row).error).toMatch(/wrong number of args for Label: want 1 got 0$/);
  });

  it("do not show what JavaScript objects inherit", () => {
    expect(run("{{.constructor}}", state).error).toMatch(/no entry for key "constructor"/);
    expect(run("{{.constructor}}|{{.toString}}", {}).output).toBe("<no value>|<no value>");
  });
});

describe("what Go 1.26 gave besides", () => {
  it.each([
    ['{{printf "%[2]d %[1]d" 1 2}}', "2 1"],
    ['{{printf "%[3]d" 1 2}}', "%!d(BADINDEX)"],
    ["{{.A}} {{.B}} {{.C}}", "1.2345675e+06 123456.5 1.234e-05"],
  ])("%s", (template, output) => {
    expect(run(template, { A: 1234567.5, B: 123456.5, C: 0.00001234 }).output).toBe(output);
  });

  it.each([
    ["{{.a.}}", "template: :1: unexpected <.> in operand"],
    ["{{with .N}}{{else if .T}}x{{end}}", "template: :1: unexpected <if> in input"],
  ])("%s is refused", (template, error) => {
    expect(run(template, {}).error).toBe(error);
  });

  it("a nil pointer is false, <nil> and null, and has no fields", () => {
    const data = struct({ Health: nilPointer() });
    expect(run("{{if .Health}}x{{else}}y{{end}} {{.Health}} {{json .Health}}", data).output).toBe("y <nil> null");
    expect(run("{{.Health.Status}}", data).error).toMatch(/nil pointer evaluating interface \{\}\.Status$/);
  });

  it("a number of more digits than JavaScript's keeps them in JSON", () => {
    expect(run("{{json .}}", { A: 1795331679028012384n, B: "1n" }).output).toBe('{"A":1795331679028012384,"B":"1n"}');
  });
});

describe("numbers", () => {
  it("compare as ints where whole, whatever their size", () => {
    expect(run("{{eq .A 9007199254740993}} {{lt .A 3}}", { A: 9007199254740993n }).output).toBe("true false");
  });
});

describe("header functions", () => {
  it("leave a column's title as it is", () => {
    const header = compileTemplate('{{json .Size}} {{join .A ","}} {{upper .B}}', HEADER_FUNCTIONS);
    expect(header.execute({ Size: "SIZE", A: "TITLE", B: "b" })).toBe("SIZE TITLE B");
  });
});

it("a template that calls itself for ever ends with an error", () => {
  expect(run('{{define "a"}}{{template "a"}}{{end}}{{template "a"}}', {}).error).toMatch(
    /exceeded maximum template depth/,
  );
});
