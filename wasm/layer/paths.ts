/** Paths of entries and of hard links' targets, taken apart component by component. */
import { ERROR_ESCAPES, ERROR_NAME_TOO_LONG, ERROR_NUL, fail } from "./state";

/** Linux's NAME_MAX; EROFS and overlayfs hold no longer names either. */
const MAX_NAME_BYTES: u32 = 255;

const WH: u32 = 0x2e68772e; // ".wh."
const WH_WH: u64 = 0x2e68772e2e68772e; // ".wh..wh."

/** A component of a path. `nextName` finds them one by one. */
export let name: usize = 0;
export let nameBytes: u32 = 0;

/** Makes the `bytes` at `at` the component again. */
export function setName(at: usize, bytes: u32): void {
  name = at;
  nameBytes = bytes;
}

/**
 * Finds the next component at or after `at`, passing over empty ones and "."; returns its end. `nameBytes` is 0 when
 * there is none, or after an error.
 */
export function nextName(at: usize, end: usize): usize {
  while (true) {
    nameBytes = 0;
    while (at < end && load<u8>(at) === 47) at++;
    name = at;
    while (at < end && load<u8>(at) !== 47) {
      if (load<u8>(at) === 0) {
        fail(ERROR_NUL);
        return end;
      }
      at++;
    }
    const bytes = <u32>(at - name);
    if (bytes === 1 && load<u8>(name) === 46) continue;
    if (bytes === 2 && load<u16>(name) === 0x2e2e) {
      fail(ERROR_ESCAPES);
      return end;
    }
    if (bytes > MAX_NAME_BYTES) {
      fail(ERROR_NAME_TOO_LONG, name, bytes);
      return end;
    }
    nameBytes = bytes;
    return at;
  }
}

/** Finds the last component of the path and returns where it starts; `nameBytes` is 0 if there is none, or after an error. */
export function lastName(at: usize, end: usize): usize {
  let last = end;
  let lastBytes: u32 = 0;
  at = nextName(at, end);
  while (nameBytes > 0) {
    last = name;
    lastBytes = nameBytes;
    at = nextName(at, end);
  }
  setName(last, lastBytes);
  return last;
}

/** ".wh.NAME", and what aufs made for itself. */
export function isWhiteoutName(): bool {
  return nameBytes >= 4 && load<u32>(name) === WH;
}

/** ".wh..wh.NAME". */
export function isAufsName(): bool {
  return nameBytes >= 8 && load<u64>(name) === WH_WH;
}
