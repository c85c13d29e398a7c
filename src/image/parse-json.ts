import { GantryError, type ErrorCode } from "../errors/index.ts";
import { duplicateKey } from "./duplicate-key.ts";

export type JsonObject = Record<string, unknown>;

/** Larger documents than this are not image metadata but an attack on memory. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses a JSON document of an image; `what` names it in the message.
 * @throws `code` when it is not UTF-8, not JSON, too large, or has a key twice
 */
export function parseJson(bytes: Uint8Array, what: string, code: ErrorCode): unknown {
  if (bytes.length > MAX_JSON_BYTES) {
    throw new GantryError(code, `${what} is ${bytes.length} bytes long; at most ${MAX_JSON_BYTES} are accepted`);
  }
  let text: string;
  let document: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    document = JSON.parse(text);
  } catch (cause) {
    throw new GantryError(code, `${what} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new GantryError(code, `${what} has the key ${JSON.stringify(twice)} twice`);
  return document;
}
