import { describe, expect, it } from "vitest";
import { imageFilter } from "../../../src/cli/commands/image/image-filters.ts";
import type { Filter } from "../../../src/cli/framework/flags.ts";
import { filterImages } from "../../../src/engine/filter-images.ts";
import { pathMatcher } from "../../../src/image/path-match.ts";
import type { Image } from "../../../src/image/types.ts";

function image(id: string, day: number, names: string[], labels: Record<string, string> = {}): Image {
  const created = `2024-01-${String(day).padStart(2, "0")}T00:00:00Z`;
  return { id: `sha256:${id}`, created, config: { config: { Labels: labels } }, names } as unknown as Image;
}

const IMAGES = [
  image("d", 4, ["docker.io/library/busybox:latest", "docker.io/library/busybox:1.36"]),
  image("c", 3, []),
  image("b", 2, ["docker.io/me/app:v1", "registry.example.com/app:v1"], { stage: "test", empty: "" }),
  image("a", 1, ["docker.io/library/debian:12"], { stage: "live" }),
];

function passing(...filters: string[]): string {
  const parsed = filters.map((text): Filter => ({
    name: text.split("=")[0]!,
    value: text.slice(text.indexOf("=") + 1),
  }));
  const resolveImage = (id: string): Image => IMAGES.find((candidate) => candidate.id === `sha256:${id}`)!;
  const passed = filterImages(IMAGES, imageFilter(parsed, "list"), { resolveImage });
  return passed.map(({ image: { id }, names }) => `${id.slice(7)}${names.length}`).join(" ");
}

describe("filters of images", () => {
  it.each([
    [[], "d2 c0 b2 a1"],
    [["dangling=true"], "c0"],
    [["dangling=false"], "d2 b2 a1"],
    [["label=stage"], "b2 a1"],
    [["label=stage=live"], "a1"],
    [["label=empty="], "b2"],
    [["label=stage", "label=empty"], "b2"],
    [["label!=stage"], "d2 c0"],
    [["label=stage", "label!=stage=live"], "b2"],
    [["dangling=true", "dangling=false"], "d2 c0 b2 a1"],
    [["before=c"], "b2 a1"],
    [["since=b"], "d2 c0"],
    [["since=a", "before=d"], "c0 b2"],
    [["until=2024-01-02T12:00:00Z"], "b2 a1"],
    [["reference=busybox"], "d2"],
    [["reference=busybox:1.*"], "d1"],
    [["reference=me/*"], "b1"],
    [["reference=*/app:v1"], "b2"],
    [["reference=bus*", "reference=debian"], "d2 a1"],
    [["reference=none"], ""],
  ])("%j", (filters, expected) => {
    expect(passing(...filters)).toBe(expected);
  });

  it("that do not exist are refused with what was meant", () => {
    expect(() => passing("dangeling=true")).toThrow(
      expect.objectContaining({ code: "USAGE", remedy: "Did you mean dangling?" }) as Error,
    );
    expect(() => passing("dangling=maybe")).toThrow(expect.objectContaining({ code: "USAGE" }) as Error);
  });
});

describe("patterns are those of Go's path.Match", () => {
  it.each([
    ["a/b", "a*", false],
    ["a/b", "a/*", true],
    ["ab", "a?", true],
    ["a/", "a?", false],
    ["b", "[a-c]", true],
    ["d", "[^a-c]", true],
    ["b", "[^a-c]", false],
    ["-", "[\\-x]", true],
    ["x", "[\\-x]", true],
    ["é", "?", true],
    ["a*b", "a\\*b", true],
    ["axb", "a\\*b", false],
    ["a.b", "a.b", true],
    ["axb", "a.b", false],
    ["b", "[c-a]", false],
    ["]", "[\\]]", true],
    ["", "", true],
    ["", "*", true],
  ])("%j against %j: %j", (name, pattern, matches) => {
    expect(pathMatcher(pattern)(name)).toBe(matches);
  });

  it.each(["[", "[]a]", "[a-]", "a\\", "[-x]", "[a"])("a malformed one is refused: %j", (pattern) => {
    expect(() => pathMatcher(pattern)).toThrow(expect.objectContaining({ code: "USAGE" }) as Error);
  });
});
