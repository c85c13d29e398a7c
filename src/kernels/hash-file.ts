import { closeSync, openSync, readSync } from "node:fs";
import { type GrowingFile, readableBytes } from "./growing-file.ts";
import { Sha256 } from "./sha256.ts";

/** A file to be hashed while another thread writes it. Plain data: it is sent to worker threads. */
export interface FileHashing {
  path: string;
  growing: GrowingFile;
}

/** SHA-256, in hexadecimal digits, of all that the file's writer wrote. */
export function hashGrowingFile({ path, growing }: FileHashing): Promise<string> {
  const hash = new Sha256();
  const { input } = hash;
  let at = 0;
  let state = readableBytes(growing, at);
  if (state.bytes === 0) return Promise.resolve(hash.digestHex());
  const fd = openSync(path, "r");
  try {
    for (;;) {
      while (at < state.bytes) {
        const got = readSync(fd, input, 0, Math.min(input.length, state.bytes - at), at);
        hash.consumeInput(got);
        at += got;
        if (got === 0) break;
      }
      if (state.ended) return Promise.resolve(hash.digestHex());
      state = readableBytes(growing, at);
    }
  } finally {
    closeSync(fd);
  }
}
