import { constants } from "node:os";
import { GantryError } from "../errors/index.ts";

/** First and last real-time signal, as C libraries number them. */
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal given as number or name: `9`, `KILL`, `SIGKILL`, `rtmin+3`, any case.
 * @throws SIGNAL_INVALID
 */
export function signalNumber(given: string): number {
  if (/^\d+$/.test(given)) {
    const number = Number(given);
    if (number > 0 && number <= RTMAX) return number;
  }
  const name = given.toUpperCase().replace(/^SIG/, "");
  const known = (constants.signals as Record<string, number>)[`SIG${name}`];
  if (known !== undefined) return known;
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) {
    const offset = Number(`${realTime[2] ?? "+"}${realTime[3] ?? "0"}`);
    const number = (realTime[1] === "MIN" ? RTMIN : RTMAX) + offset;
    if (number >= RTMIN && number <= RTMAX) return number;
  }
  throw new GantryError("SIGNAL_INVALID", `invalid signal: ${given}`, {
    remedy: "Give a signal's name, such as TERM, or its number.",
    details: { signal: given },
  });
}
