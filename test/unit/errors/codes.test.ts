import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ERROR_KINDS } from "../../../src/errors/codes.ts";

const PROJECT = resolve(import.meta.dirname, "../../..");
const CODES = Object.keys(ERROR_KINDS);

/** All TypeScript below `directory`, comments left out, without the files whose path ends in one of `without`. */
function textOf(directory: string, without: string[]): string {
  return readdirSync(join(PROJECT, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !without.some((end) => name.endsWith(end)))
    .map((name) => readFileSync(join(PROJECT, directory, name), "utf8"))
    .join("\n")
    .replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
}

describe("the table of error codes", () => {
  it("is sorted, so that two lines cannot say different things of one code", () => {
    expect(CODES).toEqual(CODES.toSorted());
  });

  it("holds no code that nothing throws", () => {
    const source = textOf("src", ["errors/codes.ts"]);
    // As a value: what only asks for a code, `isGantryError(error, "X")`, does not throw it.
    const asked = source.replace(/isGantryError\([^)]*\)/g, "");
    expect(CODES.filter((code) => !asked.includes(`"${code}"`))).toEqual([]);
  });

  it("holds no code that no test expects", () => {
    const tests = textOf("test", ["errors/codes.test.ts"]);
    expect(CODES.filter((code) => !new RegExp(`["'\`]${code}["'\`]`).test(tests))).toEqual([]);
  });
});
