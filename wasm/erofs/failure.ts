/** Why no image was made. src/kernels/erofs.ts has the same numbers and the words for them. */
export const OK: i32 = 0;
export const OUT_OF_MEMORY: i32 = 1;
/** The index contradicts itself: not what the layer kernel makes. */
export const INDEX_MALFORMED: i32 = 2;
/** A file's data lies outside of its layer's tar. */
export const DATA_OUTSIDE: i32 = 3;
/** What EROFS, or Linux, has no room for. */
export const FILE_TOO_LARGE: i32 = 4;
export const XATTRS_TOO_LARGE: i32 = 5;
export const DEVICE_NUMBER_TOO_LARGE: i32 = 6;
export const DATA_TOO_FAR: i32 = 7;
export const TOO_MANY_LAYERS: i32 = 8;

let node: u32 = 0;

/** The node that the failure is about. */
export function failedNode(): u32 {
  return node;
}

export function setFailedNode(number: u32): void {
  node = number;
}
