import { describe, expect, it } from "vitest";
import { alignColumns } from "../../../src/cli/format/align-columns.ts";

describe("columns", () => {
  it("are as wide as their widest cell and three blanks, at least ten", () => {
    expect(alignColumns("A\tB\nlonger than ten\tx\n")).toBe("A                 B\nlonger than ten   x\n");
    expect(alignColumns("A\tB\tC\n1\t2\t3\n")).toBe("A         B         C\n1         2         3\n");
  });

  it("end with the run of lines that have them", () => {
    expect(alignColumns("a\tx\nno tabs in this long line\nbbbbbbbbbb\ty\n")).toBe(
      "a         x\nno tabs in this long line\nbbbbbbbbbb   y\n",
    );
  });

  it("keep an empty last cell's blanks, as Go's tabwriter does", () => {
    expect(alignColumns("A\tB\tC\n1\t2\t\n")).toBe("A         B         C\n1         2         \n");
  });

  it("count characters, not bytes", () => {
    expect(alignColumns("é…\tx\nab\ty\n")).toBe("é…        x\nab        y\n");
  });
});
