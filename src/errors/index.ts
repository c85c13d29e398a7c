export type { ErrorCode } from "./codes.ts";
export { exitStatusOf } from "./exit-status.ts";
export { fileError } from "./file-error.ts";
export { GantryError, isGantryError } from "./gantry-error.ts";
