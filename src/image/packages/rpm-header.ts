import { displayBytes } from "../../kernels/display-bytes.ts";
import type { InstalledPackage } from "./package.ts";

/** Tags and types (rpm's include/rpm/rpmtag.h; docs/manual/hregions.md says how a header is laid out). */
const NAME = 1000;
const VERSION = 1001;
const RELEASE = 1002;
const EPOCH = 1003;
const ARCH = 1022;
const INT32 = 4;
const STRING = 6;

const INTRODUCTION_BYTES = 8;
const ENTRY_BYTES = 16;
/** Longer ones are no names and no versions. */
const MAX_STRING_BYTES = 1024;

/**
 * The package that a header of an rpm database describes, its version as rpm writes it: [epoch:]version-release. A header is the
 * number of its index entries, the size of its store, the entries (tag, type, place in the store, count), the store; all
 * numbers are big-endian. Undefined: it is no header, or has no name.
 */
export function parseRpmHeader(bytes: Uint8Array): InstalledPackage | undefined {
  if (bytes.length < INTRODUCTION_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = view.getUint32(0);
  const store = INTRODUCTION_BYTES + entries * ENTRY_BYTES;
  const end = store + view.getUint32(4);
  if (end > bytes.length) return undefined;

  const strings = new Map<number, string>();
  let epoch: number | undefined;
  for (let at = INTRODUCTION_BYTES; at < store; at += ENTRY_BYTES) {
    const tag = view.getUint32(at);
    if (tag < NAME || tag > ARCH) continue;
    const type = view.getUint32(at + 4);
    const place = store + view.getUint32(at + 8);
    if (tag === EPOCH) {
      if (type === INT32 && place + 4 <= end) epoch = view.getUint32(place);
    } else if (type === STRING && place < end && !strings.has(tag)) {
      const terminator = bytes.subarray(place, Math.min(end, place + MAX_STRING_BYTES)).indexOf(0);
      if (terminator >= 0) strings.set(tag, displayBytes(bytes.subarray(place, place + terminator)));
    }
  }
  const name = strings.get(NAME) ?? "";
  if (name === "") return undefined;
  const version = `${epoch === undefined ? "" : `${epoch}:`}${strings.get(VERSION) ?? ""}-${strings.get(RELEASE) ?? ""}`;
  return { manager: "rpm", name, version, architecture: strings.get(ARCH) ?? "" };
}
