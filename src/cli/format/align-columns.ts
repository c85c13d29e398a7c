/**
 * Aligns text whose cells end in tabs, as Go's text/tabwriter does for Docker's tables: a column is a run of lines that have
 * that cell, as wide as its widest cell plus `padding`, at least `minimum`; what follows a line's last tab is not aligned.
 */
export function alignColumns(text: string, minimum = 10, padding = 3): string {
  if (!text.includes("\t")) return text;
  const lines = text.split("\n").map((line) => line.split("\t").map((cell) => ({ cell, width: textWidth(cell) })));
  const most = Math.max(...lines.map((cells) => cells.length));
  for (let column = 0; column < most - 1; column++) {
    const has = (line: number): boolean => line < lines.length && lines[line]!.length > column + 1;
    for (let from = 0; from < lines.length; from++) {
      let to = from;
      let width = minimum;
      for (; has(to); to++) width = Math.max(width, lines[to]![column]!.width + padding);
      for (let line = from; line < to; line++) {
        const found = lines[line]![column]!;
        found.cell += " ".repeat(width - found.width);
      }
      from = to;
    }
  }
  return lines.map((cells) => cells.map(({ cell }) => cell).join("")).join("\n");
}

/** In characters. */
function textWidth(text: string): number {
  // Nearly all text is of characters that are one code unit each.
  if (!/[\ud800-\udbff]/.test(text)) return text.length;
  let width = 0;
  for (const _ of text) width++;
  return width;
}
