/**
 * Breaks text into lines of about `width` characters at blanks; line breaks in the text stay. A last line may be up to
 * five characters longer than `width` rather than leave a stump, as in Docker's help.
 */
export function wrapText(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, width: number): string[] {
  const slack = 5;
  const lines: string[] = [];
  let rest = line;
  while (rest.length >= width) {
    const blank = rest.lastIndexOf(" ", width - slack - 1);
    if (blank <= 0) break;
    lines.push(rest.slice(0, blank));
    rest = rest.slice(blank + 1);
  }
  lines.push(rest);
  return lines;
}
