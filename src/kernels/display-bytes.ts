const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes of a name for a message: UTF-8 where they are, with control characters and other bytes as \xNN. */
export function displayBytes(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    text = Buffer.from(bytes)
      .toString("latin1")
      .replace(/[\x80-\xff]/g, hex);
  }
  return text.replace(/[\x00-\x1f\x7f]/g, hex);
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
