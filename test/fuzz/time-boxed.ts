import { expect } from "vitest";
import { isGantryError } from "../../src/errors/index.ts";
import { Random } from "../oracles/random.ts";

/** `FUZZ_SECONDS` gives every target longer, and other seeds each time; `FUZZ_SEED` repeats a find, whose message has it. */
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 1.2);
const SEED = Number(process.env["FUZZ_SEED"] ?? (process.env["FUZZ_SECONDS"] === undefined ? 1 : Date.now() >>> 0));

/** How long vitest may wait for a target. */
export const TIMEOUT_MS = SECONDS * 1000 + 120_000;

/**
 * Calls `round` with one seed after the other until the time is over; ten times at least. Whatever it throws is a find,
 * told with its seed.
 */
export async function timeBoxed(round: (random: Random, seed: number) => unknown): Promise<void> {
  const end = performance.now() + SECONDS * 1000;
  for (let rounds = 0; performance.now() < end || rounds < 10; rounds++) {
    try {
      await round(new Random(SEED + rounds), SEED + rounds);
    } catch (cause) {
      throw new Error(`FUZZ_SEED=${SEED + rounds}: ${String(cause)}`, { cause });
    }
  }
}

/** What `call` gives, or the code of the error with which it refuses. Any other error, INTERNAL too, is thrown on. */
export function outcome<T>(call: () => T, known?: (error: unknown) => boolean): T | string {
  try {
    return call();
  } catch (error) {
    if (isGantryError(error) && error.code !== "INTERNAL") return refused(error.code, error.message);
    if (known?.(error) === true) return refused("refused", (error as Error).message);
    throw error;
  }
}

/** The same of a promise. */
export async function outcomeAsync<T>(call: () => Promise<T>): Promise<T | string> {
  try {
    return await call();
  } catch (error) {
    if (isGantryError(error) && error.code !== "INTERNAL") return refused(error.code, error.message);
    throw error;
  }
}

function refused(code: string, message: string): string {
  // A message is for people: it says something, and does not print a whole input.
  expect(message.length).toBeGreaterThan(5);
  expect(message.length).toBeLessThan(20_000);
  return `${code}: ${message}`;
}

/** The bytes with a few of them changed, removed, doubled, moved; never empty. */
export function altered(bytes: Uint8Array, random: Random, edits = 1 + random.below(5)): Buffer {
  let b = Buffer.from(bytes);
  for (let edit = 0; edit < edits; edit++) {
    const at = random.below(b.length);
    const length = 1 + random.below(random.pick([2, 20, 600]));
    const kind = random.below(7);
    if (kind === 0) b[at] = random.below(256);
    else if (kind === 1) b[at]! ^= 1 << random.below(8);
    else if (kind === 2) b = Buffer.concat([b.subarray(0, at), b.subarray(at + length)]);
    else if (kind === 3) b = Buffer.concat([b.subarray(0, at + length), b.subarray(at)]);
    else if (kind === 4) b.copy(b, random.below(b.length), at, at + length);
    else if (kind === 5) b.fill(random.pick([0, 0xff, 0x20, 0x30]), at, Math.min(b.length, at + length));
    else if (random.chance(20)) b = b.subarray(0, at);
    if (b.length === 0) b = Buffer.alloc(1);
  }
  return b;
}

/** The text with words of `words` put in, in others' places, or parts of it removed and doubled. */
export function alteredText(text: string, random: Random, words: readonly string[]): string {
  let t = text;
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const at = random.below(t.length + 1);
    const end = Math.min(t.length, at + random.below(random.pick([2, 8, 40])));
    const kind = random.below(4);
    if (kind === 0) t = t.slice(0, at) + random.pick(words) + t.slice(end);
    else if (kind === 1) t = t.slice(0, at) + t.slice(end);
    else if (kind === 2) t = t.slice(0, end) + t.slice(at);
    else t = t.slice(0, at) + String.fromCharCode(random.below(random.pick([128, 0xffff]))) + t.slice(at);
  }
  return t;
}
