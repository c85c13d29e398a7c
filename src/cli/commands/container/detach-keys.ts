import { GantryError } from "../../../errors/index.ts";

/** What detaches a terminal unless `--detach-keys` says otherwise. */
export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/**
 * Reads a key sequence in Docker's syntax: single characters, or `ctrl-` with a letter or one of `@ [ \ ] ^ _`, separated
 * by commas.
 * @throws USAGE
 */
export function parseDetachKeys(text: string): number[] {
  return text.split(",").map((key) => {
    const control = /^ctrl-([a-zA-Z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
    if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    throw new GantryError("USAGE", `invalid detach keys (${text}) provided`, {
      remedy: "Write them as ctrl-p,ctrl-q.",
    });
  });
}

/** Looks for the detach keys in what is typed. Keys that may begin the sequence are held back until that is known. */
export class DetachFilter {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What to pass on of `typed`, and whether the keys are complete; what follows them is dropped. */
  push(typed: Uint8Array): { pass: Uint8Array; detach: boolean } {
    const pass: number[] = [];
    for (const byte of typed) {
      if (byte === this.#keys[this.#matched]) {
        if (++this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), detach: true };
        continue;
      }
      if (this.#matched > 0) {
        pass.push(...this.#keys.slice(0, this.#matched));
        this.#matched = byte === this.#keys[0] ? 1 : 0;
        if (this.#matched === 1) continue;
      }
      pass.push(byte);
    }
    return { pass: Uint8Array.from(pass), detach: false };
  }
}
