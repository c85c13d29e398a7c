import { displayBytes } from "../../kernels/display-bytes.ts";

/**
 * Splits a database of paragraphs (dpkg's status, apk's installed) into records of the wanted fields: `Name: value` a line,
 * paragraphs apart by empty lines. Lines that continue another, and what is no field, are passed over; of a field that comes twice
 * the first counts. Control characters and bytes that are not UTF-8 become \\xNN.
 */
export function* stanzas(bytes: Uint8Array, wanted: ReadonlySet<string>): Generator<Map<string, string>> {
  // One byte a character: descriptions, which nobody wants here, are most of the text.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  let fields = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    if (end === at || (end === at + 1 && text[at] === "\r")) {
      if (fields.size > 0) yield fields;
      fields = new Map();
    } else if (text[at] !== " " && text[at] !== "\t") {
      const colon = text.indexOf(":", at);
      const name = colon < 0 || colon > end ? "" : text.slice(at, colon);
      if (wanted.has(name) && !fields.has(name)) {
        fields.set(name, displayBytes(Buffer.from(trim(text, colon + 1, end), "latin1")));
      }
    }
    at = end + 1;
  }
  if (fields.size > 0) yield fields;
}

/** Without ASCII's white space: what String.trim would take as well may be half of a character. */
function trim(text: string, from: number, to: number): string {
  while (from < to && text.charCodeAt(from) <= 32) from++;
  while (from < to && text.charCodeAt(to - 1) <= 32) to--;
  return text.slice(from, to);
}
