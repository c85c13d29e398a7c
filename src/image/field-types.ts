import { isJsonObject, type JsonObject } from "./parse-json.ts";

/** What a field of a document may be; `words` is a list of strings that Docker also takes as one string. */
export type FieldType = "string" | "number" | "boolean" | "strings" | "words" | "string map" | "object";
export type FieldTypes = Readonly<Record<string, FieldType>>;

const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === "string");

const TESTS: Record<FieldType, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  strings: isStrings,
  words: (value) => typeof value === "string" || isStrings(value),
  "string map": (value) => isJsonObject(value) && Object.values(value).every((item) => typeof item === "string"),
  object: isJsonObject,
};

/** What each type is in a message. */
const WORDS: Record<FieldType, string> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  strings: "a list of strings",
  words: "a list of strings",
  "string map": "a map of strings",
  object: "an object",
};

/**
 * What is wrong with the types of an object's fields, as the end of a sentence that begins with what the object is; undefined
 * if nothing is. Fields may be missing or null, which is the same (as in Go's encoding/json); others are not looked at.
 */
export function wrongField(object: JsonObject, types: FieldTypes): string | undefined {
  for (const [name, type] of Object.entries(types)) {
    const value = object[name];
    if (value !== undefined && value !== null && !TESTS[type](value)) {
      return `has a ${JSON.stringify(name)} that is not ${WORDS[type]}`;
    }
  }
  return undefined;
}
