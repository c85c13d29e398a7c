import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";

const scratch = mkdtempSync(join(tmpdir(), "gantry-launcher-"));
afterAll(() => rmSync(scratch, { recursive: true }));

let dist: string;
beforeEach(() => {
  dist = mkdtempSync(join(scratch, "dist-"));
  copyFileSync(join(import.meta.dirname, "../../../scripts/launcher.cjs"), join(dist, "gantry"));
  writeFileSync(
    join(dist, "gantry.cjs"),
    '(function(require,__dirname,__filename){const exports={};process.stdout.write(process.argv.slice(2).join(" ")+"\\n");' +
      "exports.finished=Promise.resolve();return exports})",
  );
});

function run(words: string[], environment: Record<string, string> = {}, nodeFlags: string[] = []): string {
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  const result = spawnSync(process.execPath, [...nodeFlags, join(dist, "gantry"), ...words], {
    env: { ...inherited, ...environment },
    encoding: "utf8",
  });
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  return result.stdout;
}

const caches = (): string[] => readdirSync(dist).filter((name) => name.includes("cache"));

describe("the launcher's code cache", () => {
  it("is made by the first run and left alone by those that can use it", () => {
    expect(run(["a"])).toBe("a\n");
    const [made, ...others] = caches();
    expect(made).toContain(process.versions.v8);
    expect(others).toEqual([]);
    const before = statSync(join(dist, made!)).mtimeMs;
    expect(run(["b"])).toBe("b\n");
    expect(statSync(join(dist, made!)).mtimeMs).toBe(before);
  });

  it("that is damaged or of another node is refused, and made anew", () => {
    run([]);
    const file = join(dist, caches()[0]!);
    const good = readFileSync(file);
    for (const bad of [Buffer.from("nonsense"), Buffer.alloc(0), good.subarray(0, 100), Buffer.alloc(good.length, 7)]) {
      writeFileSync(file, bad);
      expect(run(["c"])).toBe("c\n");
      expect(readFileSync(file).equals(bad)).toBe(false);
      expect(caches().length).toBe(1);
    }
    const other = readFileSync(file);
    expect(run(["d"], {}, ["--no-opt"])).toBe("d\n");
    expect(readFileSync(file).equals(other)).toBe(false);
  });

  it("warmed up holds the runs of several command lines", () => {
    expect(run([], { GANTRY_WARM_UP: '[["x"],["y","z"]]' })).toBe("x\ny z\n");
    expect(caches().length).toBe(1);
  });
});
