import { closeSync, openSync, readSync } from "node:fs";

/** Random bytes from the kernel. (node:crypto would give the same, and take 5 ms to load.) */
export function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const fd = openSync("/dev/urandom", "r");
  try {
    for (let done = 0; done < count;) done += readSync(fd, bytes, done, count - done, null);
  } finally {
    closeSync(fd);
  }
  return bytes;
}
