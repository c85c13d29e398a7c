/**
 * Whether a name matches a pattern of Go's path.Match, as Docker's reference filter uses it: `*` and `?` do not match a `/`,
 * `[a-z]` and `[^a-z]` are classes, a backslash takes the next character as it is. A pattern that is malformed matches nothing.
 */
export function matchesGlob(name: string, pattern: string): boolean {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) return false;
      const body = pattern.slice(at + 1, end).replaceAll("\\", "\\\\");
      source += body.startsWith("^") ? `(?!/)[${body}]` : `[${body}]`;
      at = end;
    } else {
      if (character === "\\") at++;
      source += (pattern[at] ?? "").replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
    }
  }
  try {
    return new RegExp(`^${source}$`, "su").test(name);
  } catch {
    return false;
  }
}
