export { type ErrorCode, type ErrorKind, ERROR_KINDS } from "./codes.ts";
export { exitStatusOf } from "./exit-status.ts";
export { GantryError, type GantryErrorOptions, isGantryError } from "./gantry-error.ts";
