/**
 * The first key that an object of a JSON document has twice, or undefined. Readers disagree on such documents: JavaScript takes
 * the later value, Go merges the two where they are objects. In the outermost object, and in the objects of an outermost list,
 * keys that differ in case only are the same, as for Go; deeper down they may be labels. `text` must be valid JSON.
 */
export function duplicateKey(text: string): string | undefined {
  /** Keys of the open objects, from the outside in; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let objects = 0;
  let expectsKey = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const start = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      if (!expectsKey) continue;
      const key = JSON.parse(text.slice(start, at + 1)) as string;
      const seen = open.at(-1) as Set<string>;
      const folded = objects === 1 ? key.toLowerCase() : key;
      if (seen.has(folded)) return key;
      seen.add(folded);
      expectsKey = false;
    } else if (character === "{") {
      open.push(new Set());
      objects++;
      expectsKey = true;
    } else if (character === "[") {
      open.push(undefined);
      expectsKey = false;
    } else if (character === "}" || character === "]") {
      if (open.pop() !== undefined) objects--;
      expectsKey = false;
    } else if (character === ",") {
      expectsKey = open.at(-1) !== undefined;
    }
  }
  return undefined;
}
