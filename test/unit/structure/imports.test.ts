import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = resolve(import.meta.dirname, "../../../src");

/** The areas of src/, top first. A file may import from its own area and from areas in later rows. */
const ROWS: readonly (readonly string[])[] = [
  ["cli", "api"],
  ["engine"],
  ["build", "compose", "registry"],
  ["runtime"],
  ["network", "volume"],
  ["snapshot"],
  ["archive"],
  ["store"],
  ["layer"],
  ["image"],
  ["kernels", "bridge"],
  ["events", "artifacts"],
  ["errors"],
];

function files(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? files(path) : path.endsWith(".ts") ? [path] : [];
  });
}

/** Specifiers of every static and dynamic import, and of every re-export. */
function importsOf(source: string): string[] {
  const found = source.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\(\s*)["']([^"'\n]+)["']/g);
  return [...found].map((match) => match[1]!);
}

const areaOf = (file: string): string => relative(SRC, file).split("/")[0]!;
const rowOf = (area: string): number => ROWS.findIndex((row) => row.includes(area));
const all = files(SRC);
const graph = new Map(
  all.map((file) => {
    const specifiers = importsOf(readFileSync(file, "utf8"));
    const local = specifiers.filter((s) => s.startsWith(".")).map((s) => resolve(dirname(file), s));
    return [file, { local, external: specifiers.filter((s) => !s.startsWith(".")) }] as const;
  }),
);

describe("the structure of src/", () => {
  it("knows every area", () => {
    expect([...new Set(all.map(areaOf))].filter((area) => rowOf(area) < 0)).toEqual([]);
  });

  it("imports only downwards", () => {
    const breaches = [...graph].flatMap(([file, { local }]) =>
      local
        .filter((target) => areaOf(target) !== areaOf(file) && rowOf(areaOf(target)) <= rowOf(areaOf(file)))
        .map((target) => `${relative(SRC, file)} -> ${relative(SRC, target)}`),
    );
    expect(breaches).toEqual([]);
  });

  it("imports only files that exist", () => {
    const missing = [...graph].flatMap(([file, { local }]) =>
      local.filter((target) => !graph.has(target)).map((target) => `${relative(SRC, file)} -> ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it("has no cycle of files", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, trail: string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...trail.slice(trail.indexOf(file)), file].map((f) => relative(SRC, f)).join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const target of graph.get(file)?.local ?? []) visit(target, [...trail, file]);
      state.set(file, "done");
    };
    for (const file of all) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("loads ffi-rs only in bridge/, WebAssembly only in kernels/, worker threads only in kernels/", () => {
    const uses = (pattern: RegExp, area: string): string[] =>
      all
        .filter((file) => areaOf(file) !== area && pattern.test(readFileSync(file, "utf8")))
        .map((f) => relative(SRC, f));
    expect(uses(/["'][^"']*ffi-rs[^"']*["']/, "bridge")).toEqual([]);
    expect(uses(/\bWebAssembly\.(?:Module|Instance|instantiate|compile)\b/, "kernels")).toEqual([]);
    expect(uses(/from "node:worker_threads"/, "kernels")).toEqual([]);
  });

  it("writes to the terminal only in cli/", () => {
    const writers = all.filter(
      (file) => areaOf(file) !== "cli" && /\bconsole\.|process\.std(?:out|err)\b/.test(readFileSync(file, "utf8")),
    );
    expect(writers.map((f) => relative(SRC, f))).toEqual([]);
  });

  it("keeps image/ and layer/ free of I/O of their own", () => {
    const io = [...graph].filter(
      ([file, { external }]) =>
        ["image", "layer"].includes(areaOf(file)) &&
        external.some((s) => /^node:(?:fs|net|http|https|child_process)/.test(s)),
    );
    expect(io.map(([file]) => relative(SRC, file))).toEqual([]);
  });
});
