import { expect, it } from "vitest";
import { parseEnvFile } from "../../../src/runtime/env-file.ts";
import { containerEnvironment, DEFAULT_PATH } from "../../../src/runtime/environment.ts";

const environment = (configured: string[], terminal = false): string[] =>
  containerEnvironment({ configured, hostname: "h", home: "/root", terminal });

it("has Docker's variables where nothing is configured", () => {
  expect(environment([])).toEqual([`PATH=${DEFAULT_PATH}`, "HOSTNAME=h", "HOME=/root"]);
  expect(environment([], true)).toEqual([`PATH=${DEFAULT_PATH}`, "HOSTNAME=h", "TERM=xterm", "HOME=/root"]);
});

it("replaces a variable in its place", () => {
  expect(environment(["A=1", "PATH=/bin", "HOME=/x", "A=2"])).toEqual(["PATH=/bin", "HOSTNAME=h", "A=2", "HOME=/x"]);
});

it("takes away a variable that is named without a value", () => {
  expect(environment(["HOSTNAME", "EMPTY="])).toEqual([`PATH=${DEFAULT_PATH}`, "EMPTY=", "HOME=/root"]);
});

it("reads env files as Docker does", () => {
  const text = "\uFEFF# comment\nA=1\n  B=two words \n\nC=x=y\r\nQ='quoted'\nFROM_HOST\nNOT_THERE\n";
  expect(parseEnvFile(text, "f", { FROM_HOST: "yes" })).toEqual([
    "A=1",
    "B=two words ",
    "C=x=y",
    "Q='quoted'",
    "FROM_HOST=yes",
  ]);
});

it("refuses names with white space, and none at all", () => {
  expect(() => parseEnvFile("A B=1", "f", {})).toThrow("contains whitespaces");
  expect(() => parseEnvFile("ok=1\n=1", "f", {})).toThrow("line 2 has no variable name");
});
