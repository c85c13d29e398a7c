import { type ArchiveLimits, limitExceeded, limitOf } from "./archive-limits.ts";
import type { OutputSink } from "./inflate.ts";

/** What decompresses a stream. */
export interface Decoder {
  push(input: Uint8Array, onOutput: OutputSink): void;
  finish(): void;
}

/** Less output than this is no bomb, however little it was made from. */
const HARMLESS_BYTES = 2 ** 30;

/**
 * A decoder that stops at the limits `ratio` and `total-bytes`: output that is refused has not been handed over.
 * `label` is how messages call the stream. `push` throws LIMIT_EXCEEDED.
 */
export function boundedDecoder(decoder: Decoder, label: string, limits: ArchiveLimits = {}): Decoder {
  const ratio = limitOf(limits, "ratio");
  const most = limitOf(limits, "total-bytes");
  let received = 0;
  let made = 0;
  return {
    push(input, onOutput) {
      received += input.length;
      decoder.push(input, (output) => {
        made += output.length;
        if (made > most) {
          throw limitExceeded("total-bytes", `${label} is more than ${most} bytes uncompressed`);
        }
        if (made > HARMLESS_BYTES && made > ratio * received) {
          throw limitExceeded(
            "ratio",
            `${label} looks like a decompression bomb: its first ${received} bytes become ${made}, the limit is ${ratio} for one`,
          );
        }
        onOutput(output);
      });
    },
    finish() {
      decoder.finish();
    },
  };
}
