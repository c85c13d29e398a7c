import { HEADER } from "./state";

/** Whether the block holds nothing but zeros. */
export function isZeroBlock(): bool {
  if (load<u8>(HEADER) !== 0) return false;
  let all: u64 = 0;
  for (let i: usize = 0; i < 512; i += 32) {
    all |= load<u64>(HEADER + i) | load<u64>(HEADER + i, 8) | load<u64>(HEADER + i, 16) | load<u64>(HEADER + i, 24);
  }
  return all === 0;
}

/**
 * The sum of the header's bytes, the checksum field counted as spaces (POSIX pax, "ustar Interchange Format").
 * Unsigned; the signed sum that some old writers stored is this minus 256 for every byte above 127.
 */
export function headerSum(): u32 {
  let sum: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    let sums = i32x4.splat(0);
    for (let i: usize = 0; i < 512; i += 16) {
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(v128.load(HEADER + i))));
    }
    sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
    sum += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  } else {
    // Even and odd bytes summed in the four 16-bit lanes of a word: 64 x 255 x 2 fits.
    let sums: u64 = 0;
    for (let i: usize = 0; i < 512; i += 8) {
      const word = load<u64>(HEADER + i);
      sums += (word & 0x00ff00ff00ff00ff) + ((word >> 8) & 0x00ff00ff00ff00ff);
    }
    sum = <u32>(sums & 0xffff) + <u32>((sums >> 16) & 0xffff) + <u32>((sums >> 32) & 0xffff) + <u32>(sums >> 48);
  }
  for (let i: usize = 148; i < 156; i++) sum += 32 - <u32>load<u8>(HEADER + i);
  return sum;
}

/** The same with bytes taken as signed. */
export function signedHeaderSum(): i32 {
  let sum: i32 = 0;
  for (let i: usize = 0; i < 512; i++) sum += load<i8>(HEADER + i);
  for (let i: usize = 148; i < 156; i++) sum += 32 - <i32>load<i8>(HEADER + i);
  return sum;
}
