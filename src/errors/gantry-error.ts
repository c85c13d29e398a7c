import { ERROR_KINDS, type ErrorCode, type ErrorKind } from "./codes.ts";

export interface GantryErrorOptions {
  /** The way out, one imperative sentence, shown on its own line. */
  remedy?: string;
  /** Values a program may want: digests, paths, errno, present and wanted state. */
  details?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/** The only class of error gantry throws on purpose. Match on `code`; never on the message. */
export class GantryError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: GantryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GantryError";
    this.code = code;
    this.kind = ERROR_KINDS[code];
    this.remedy = options.remedy;
    this.details = options.details ?? {};
  }
}

export function isGantryError(error: unknown, code?: ErrorCode): error is GantryError {
  return error instanceof GantryError && (code === undefined || error.code === code);
}
