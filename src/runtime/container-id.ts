import { randomBytes } from "../store/random-bytes.ts";

/** Characters of the short form of an id, as `ps` shows it. */
const SHORT_ID_LENGTH = 12;

/** A new container id: 64 hexadecimal digits, whose short form is not a number (it becomes the container's host name). */
export function newContainerId(): string {
  for (;;) {
    const id = randomBytes(32).toString("hex");
    if (/[a-f]/.test(id.slice(0, SHORT_ID_LENGTH))) return id;
  }
}

export function shortId(id: string): string {
  return id.slice(0, SHORT_ID_LENGTH);
}
