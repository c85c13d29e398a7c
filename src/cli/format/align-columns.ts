/**
 * Aligns text whose cells end in tabs, as Go's text/tabwriter does for Docker's tables: a column is a run of lines that have
 * that cell, as wide as its widest cell plus `padding`, at least `minimum`; what follows a line's last tab is not aligned.
 */
export function alignColumns(text: string, minimum = 10, padding = 3): string {
  if (!text.includes("\t")) return text;
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths: number[][] = lines.map(() => []);
  for (let column = 0; lines.some((cells) => cells.length > column + 1); column++) {
    for (let from = 0; from < lines.length;) {
      let to = from;
      let width = minimum;
      while (to < lines.length && lines[to]!.length > column + 1)
        width = Math.max(width, textWidth(lines[to++]![column]!) + padding);
      for (let line = from; line < to; line++) widths[line]!.push(width);
      from = Math.max(to, from + 1);
    }
  }
  return lines
    .map((cells, line) =>
      cells
        .map((cell, column) => {
          const width = widths[line]![column];
          return width === undefined ? cell : cell + " ".repeat(width - textWidth(cell));
        })
        .join(""),
    )
    .join("\n");
}

function textWidth(text: string): number {
  let width = 0;
  for (const _ of text) width++;
  return width;
}
