import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tarOf } from "../tools/make-archive.ts";
import { GANTRY, missing, TestStore } from "../tools/gantry.ts";

const store = new TestStore();
beforeAll(async () => {
  store.try(["import", "-", "registry.example:5000/app:1.2"], { input: await tarOf([[{ name: "a" }, "a"]]) });
});
afterAll(() => {
  store.dispose();
});

/** What the shell prints, with gantry in its path. */
function shell(program: string, ...args: string[]): string[] {
  const env = { ...process.env, GANTRY_ROOT: store.root, PATH: `${dirname(GANTRY)}:${process.env["PATH"]}` };
  const result = spawnSync(program, args, { env, encoding: "utf8" });
  expect(result.stderr).toBe("");
  return result.stdout.trimEnd().split("\n");
}

describe("bash", () => {
  const complete = (line: string): string[] =>
    shell(
      "bash",
      "-c",
      `source <(gantry completion bash); compopt() { :; }; COMP_LINE=$1; COMP_POINT=\${#1}; _gantry; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "-",
      line,
    );

  test("completes names behind the colons at which it takes words apart", () => {
    expect(complete("gantry rmi reg")).toEqual(["registry.example:5000/app:1.2"]);
    expect(complete("gantry rmi registry.example:5000/app:")).toEqual(["1.2"]);
    expect(complete("gantry load --progress=j")).toEqual(["json"]);
  });

  test("completes names of files", () => {
    const here = join(import.meta.dirname, "shell-comp");
    expect(complete(`gantry load -i ${here}`)).toEqual([`${here}letion.test.ts`]);
    expect(complete(`gantry load --input=${here}`)).toEqual([`${here}letion.test.ts`]);
  });
});

describe.skipIf(missing({ tools: ["fish"] }) !== undefined)("fish", () => {
  test("completes names and options", () => {
    const complete = (line: string): string[] =>
      shell("fish", "--no-config", "-c", `gantry completion fish | source; complete -C "$argv[1]"`, line);
    expect(complete("gantry rmi reg")).toEqual(["registry.example:5000/app:1.2"]);
    expect(complete("gantry rmi --fo")).toEqual(["--force\tForce removal of the image"]);
  });
});

describe.skipIf(missing({ tools: ["zsh"] }) !== undefined)("zsh", () => {
  test("takes the script", () => {
    const lines = shell(
      "zsh",
      "-f",
      "-c",
      "autoload -U compinit; compinit -u -D; source <(gantry completion zsh); print $_comps[gantry]",
    );
    expect(lines).toEqual(["_gantry"]);
  });
});

test("a shell that is not known is refused with those that are", () => {
  const result = store.try(["completion", "tcsh"]);
  expect(result.status).not.toBe(0);
  expect(result.stderr.toString()).toContain("Use one of bash, fish, zsh.");
});
