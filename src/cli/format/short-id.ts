/** The first twelve hexadecimal digits of a digest or id, as tables show them. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}
