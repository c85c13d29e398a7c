/** The static memory of the SHA-256 kernel; index.ts draws the map. */

export const STATES = memory.data(4 * 32, 16);
export const DIGEST = memory.data(32, 16);
export const WK = memory.data(64 * 16, 16);

export const LANE_BYTES: u32 = 65536;
export const LANE_STRIDE: u32 = LANE_BYTES + 64;
export const INPUT = memory.data(64 + 4 * 65600 + 64, 16);
